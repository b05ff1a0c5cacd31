package dev.streamgrad;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What the bundle says of its records: columns, the fields that fill them, outputs, and for a trainer metrics and
 * parameters. Immutable, safe for use by several threads, valid after its trainer or predictor was closed; two schemas are
 * equal if every part is.
 */
public final class Schema {
    private final byte[] encoded;
    /** How many of these bytes say what columns and outputs are. */
    private final int columnBytes;
    private final List<Column> columns = new ArrayList<>();
    private final List<Column> outputs = new ArrayList<>();
    private final List<Field> fields = new ArrayList<>();
    private final Field[] fieldArray;
    private final Map<String, Integer> fieldIndex = new HashMap<>();
    private final List<String> metrics = new ArrayList<>();
    private final List<String> metricKinds = new ArrayList<>();
    private final List<String> parameters = new ArrayList<>();
    private final List<int[]> parameterShapes = new ArrayList<>();
    private final boolean needsEventTime;

    /** Reads what {@link Native} gives for a trainer or a predictor; the Rust side, {@code src/jvm/schema.rs}, has the layout. */
    Schema(byte[] encoded) {
        this.encoded = encoded;
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(encoded))) {
            for (int n = in.readInt(); n > 0; n--) {
                columns.add(column(in, Column.Role.values()[in.readByte()]));
            }
            for (int n = in.readInt(); n > 0; n--) {
                outputs.add(column(in, Column.Role.OUTPUT));
            }
            columnBytes = encoded.length - in.available();
            for (int n = in.readInt(); n > 0; n--) {
                metrics.add(text(in));
                metricKinds.add(text(in));
            }
            for (int n = in.readInt(); n > 0; n--) {
                parameters.add(text(in));
                parameterShapes.add(shape(in));
            }
            needsEventTime = in.readBoolean();
        } catch (IOException | IndexOutOfBoundsException e) {
            throw new StreamgradException(
                    Status.INTERNAL, "read schema: jar and native library do not fit, use those of one build", e);
        }
        for (int i = 0; i < columns.size(); i++) {
            Column column = columns.get(i);
            boolean whole = column.fields().size() == 1;
            for (int j = 0; j < column.fields().size(); j++) {
                String name = column.fields().get(j);
                fieldIndex.put(name, fields.size());
                fields.add(new Field(fields.size(), name, column, i, j, whole ? column.elements() : 1));
            }
        }
        fieldArray = fields.toArray(new Field[0]);
    }

    /** What this method says of a trainer or predictor; if it fails, that is closed. */
    static Schema of(Handle handle, Handle.Bytes method) {
        boolean open = false;
        try {
            Schema schema = new Schema(handle.askBytes(method).array());
            open = true;
            return schema;
        } finally {
            if (!open) {
                handle.close();
            }
        }
    }

    private static Column column(DataInputStream in, Column.Role role) throws IOException {
        String name = text(in);
        DType dtype = DType.named(text(in));
        int[] shape = shape(in);
        boolean ragged = in.readBoolean();
        boolean optional = in.readBoolean();
        List<String> fields = new ArrayList<>();
        for (int n = in.readInt(); n > 0; n--) {
            fields.add(text(in));
        }
        return new Column(role, name, dtype, shape, ragged, optional, fields, in.readDouble(), in.readDouble());
    }

    private static int[] shape(DataInputStream in) throws IOException {
        int[] shape = new int[in.readInt()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = in.readInt();
        }
        return shape;
    }

    private static String text(DataInputStream in) throws IOException {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /**
     * The features, in the bundle's order.
     *
     * @return an unmodifiable list
     */
    public List<Column> features() {
        return columns.stream().filter(c -> c.role() == Column.Role.FEATURE).collect(Collectors.toUnmodifiableList());
    }

    /**
     * The labels, in the bundle's order.
     *
     * @return an unmodifiable list
     */
    public List<Column> labels() {
        return columns.stream().filter(c -> c.role() == Column.Role.LABEL).collect(Collectors.toUnmodifiableList());
    }

    /**
     * The sample weight.
     *
     * @return empty if the bundle has none
     */
    public Optional<Column> weight() {
        return columns.stream().filter(c -> c.role() == Column.Role.WEIGHT).findFirst();
    }

    /**
     * Features, labels and weight, in this order.
     *
     * @return an unmodifiable list
     */
    public List<Column> columns() {
        return Collections.unmodifiableList(columns);
    }

    /**
     * What a prediction consists of.
     *
     * @return an unmodifiable list
     */
    public List<Column> outputs() {
        return Collections.unmodifiableList(outputs);
    }

    /**
     * Every field that a record has to have, in the order of the columns.
     *
     * @return an unmodifiable list
     */
    public List<Field> fields() {
        return Collections.unmodifiableList(fields);
    }

    /**
     * The number of a field, to be looked up once and given to {@link Row}'s indexed methods for every record.
     *
     * @param field its name
     * @return its place in {@link #fields()}
     * @throws InvalidInputException if the bundle has no such field
     */
    public int fieldIndex(String field) {
        Integer index = fieldIndex.get(field);
        if (index == null) {
            throw new InvalidInputException("find field: the bundle has " + fields + " but no field " + field);
        }
        return index;
    }

    /**
     * Whether the bundle has a field of this name.
     *
     * @param field its name
     * @return whether {@link #fieldIndex} finds it
     */
    public boolean hasField(String field) {
        return fieldIndex.containsKey(field);
    }

    /**
     * Whether learning needs to know {@linkplain Batch#eventTime(long) when} a batch happened: rows of an embedding table
     * expire by it.
     *
     * @return false for what only predicts
     */
    public boolean needsEventTime() {
        return needsEventTime;
    }

    /** The same as {@link #fields()}, for loops that run for every row. */
    Field[] fieldArray() {
        return fieldArray;
    }

    List<String> metrics() {
        return metrics;
    }

    List<String> metricKinds() {
        return metricKinds;
    }

    List<String> parameters() {
        return Collections.unmodifiableList(parameters);
    }

    int[] parameterShape(int index) {
        return parameterShapes.get(index);
    }

    /** The field at an index that a caller gave. */
    Field field(int index) {
        if (index < 0 || index >= fields.size()) {
            throw new InvalidInputException("find field: the bundle has " + fields.size() + " fields, not index " + index);
        }
        return fields.get(index);
    }

    /**
     * Whether rows of this can be predicted where rows of another can, whatever metrics and parameters there are.
     *
     * @param other of another trainer or predictor
     * @return true if columns and outputs are the same
     */
    public boolean fits(Schema other) {
        return this == other || Arrays.equals(encoded, 0, columnBytes, other.encoded, 0, other.columnBytes);
    }

    /** What the native side reads, of which it wants the columns. */
    byte[] encoded() {
        return encoded;
    }

    /** A hash of every part, to recognise the rows of another model. */
    int fingerprint() {
        return Arrays.hashCode(encoded);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Schema && Arrays.equals(encoded, ((Schema) other).encoded);
    }

    @Override
    public int hashCode() {
        return fingerprint();
    }

    /** Columns and outputs, for logs. */
    @Override
    public String toString() {
        return columns + " -> " + outputs;
    }
}
