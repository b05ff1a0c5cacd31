package dev.streamgrad.flink;

import dev.streamgrad.VersionId;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.apache.flink.api.common.typeinfo.TypeInfo;

/**
 * A record, what the model said of it before it saw its label, and which version of the parameters said so.
 *
 * <p>As safe for use by several threads as the record is. Flink's type information is {@link ScoredTypeInfo}.
 *
 * @param <T> the record
 */
@TypeInfo(ScoredTypeInfo.Factory.class)
public final class Scored<T> {
    private final T record;
    private final VersionId version;
    /** The prediction of a model with one scalar float32 output; of any other, the outputs by name. */
    private final float prediction;
    private final String[] names;
    private final OutputValues[] values;

    Scored(T record, VersionId version, float prediction) {
        this.record = Objects.requireNonNull(record, "record");
        this.version = version;
        this.prediction = prediction;
        this.names = null;
        this.values = null;
    }

    Scored(T record, VersionId version, String[] names, OutputValues[] values) {
        this.record = Objects.requireNonNull(record, "record");
        this.version = version;
        this.prediction = Float.NaN;
        this.names = names;
        this.values = values;
    }

    /** The same prediction for a copy of the record. */
    Scored<T> around(T copy) {
        return names == null ? new Scored<>(copy, version, prediction) : new Scored<>(copy, version, names, values);
    }

    /**
     * The record as it came in.
     *
     * @return never null
     */
    public T record() {
        return record;
    }

    /**
     * The version of the parameters that predicted.
     *
     * @return its number
     */
    public long version() {
        return version.number();
    }

    /**
     * The version of the parameters that predicted, with its lineage: after a rollback a number alone may name two.
     *
     * @return its name
     */
    public VersionId versionId() {
        return version;
    }

    /**
     * The prediction of a model with one scalar output: in what unit, the model says.
     *
     * @return the number, rounded to a float if the output is not float32
     * @throws IllegalStateException if the model has another output: take it by name
     */
    public float prediction() {
        if (!isScalar()) {
            throw new IllegalStateException(
                    "read prediction: it is not one number, take output(name) of one of: " + outputs());
        }
        return names == null ? prediction : values[0].number(0).floatValue();
    }

    /**
     * One output of a model with several outputs, or with one that is not scalar.
     *
     * @param name as the bundle names it
     * @return a copy of its elements in row-major order, rounded to floats if the output is not float32
     * @throws IllegalArgumentException if there is no such output, or it is of strings
     */
    public float[] output(String name) {
        OutputValues found = find(name);
        if (found.isText()) {
            throw new IllegalArgumentException("read output: it is of strings, take them with strings(name) or bytes(name): " + name);
        }
        return found.floats();
    }

    /**
     * One output of a model, which is of strings; a model of one string has it under its name, too.
     *
     * @param name as the bundle names it
     * @return its elements in row-major order, read as UTF-8, where what is none becomes U+FFFD
     * @throws IllegalArgumentException if there is no such output, or it is of numbers
     */
    public String[] strings(String name) {
        return Arrays.stream(bytes(name)).map(bytes -> new String(bytes, StandardCharsets.UTF_8)).toArray(String[]::new);
    }

    /**
     * The same as the bytes that the model gave.
     *
     * @param name as the bundle names it
     * @return a copy of its elements in row-major order
     * @throws IllegalArgumentException if there is no such output, or it is of numbers
     */
    public byte[][] bytes(String name) {
        OutputValues found = find(name);
        if (!found.isText()) {
            throw new IllegalArgumentException("read output: it is of numbers, take them with output(name): " + name);
        }
        return found.strings();
    }

    private OutputValues find(String name) {
        int index = isScalar() ? -1 : Arrays.asList(names).indexOf(name);
        if (index < 0) {
            throw new IllegalArgumentException(
                    (isScalar() ? "read output: the model gives one number, take prediction()" : "read output: the model has "
                            + outputs()) + ", not output " + name);
        }
        return values[index];
    }

    /**
     * The names that {@link #output}, {@link #strings} and {@link #bytes} take.
     *
     * @return an unmodifiable list, empty for a model with one scalar output
     */
    public List<String> outputs() {
        return isScalar() ? List.of() : List.of(names);
    }

    /** Whether the model has one output of one number. */
    boolean isScalar() {
        return names == null || names.length == 1 && values[0].size() == 1 && !values[0].isText();
    }

    /** Whether that number is a float32. */
    boolean isFloat() {
        return names == null;
    }

    /** The values of an output as they are, or null if there is none of this name. */
    OutputValues exact(String name) {
        if (names == null) {
            return OutputValues.of(prediction);
        }
        int index = Arrays.asList(names).indexOf(name);
        return index < 0 ? null : values[index];
    }

    String[] names() {
        return names;
    }

    OutputValues[] values() {
        return values;
    }

    /** Whether record, prediction and the version's number are the same; a lineage is a random number of each run. */
    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Scored)) {
            return false;
        }
        Scored<?> that = (Scored<?>) other;
        return record.equals(that.record)
                && version() == that.version()
                && Float.floatToIntBits(prediction) == Float.floatToIntBits(that.prediction)
                && Arrays.equals(names, that.names)
                && Arrays.equals(values, that.values);
    }

    @Override
    public int hashCode() {
        return 31 * record.hashCode() + Long.hashCode(version());
    }

    @Override
    public String toString() {
        return record + " scored " + (isScalar() ? prediction() : outputs() + " " + Arrays.toString(values)) + " by version "
                + version();
    }
}
