package dev.streamgrad.flink;

import java.util.Objects;
import org.apache.flink.api.common.typeinfo.TypeInfo;

/**
 * A record and its label, once it has one: what {@link Streamgrad#awaitLabels} gives and {@link Streamgrad#learn}
 * takes. Each record comes twice: at once without a label, to be predicted; and with its label, to be learned.
 *
 * <p>As safe for use by several threads as the record is. Flink's type information is {@link ExampleTypeInfo}.
 *
 * @param <T> the record
 */
@TypeInfo(ExampleTypeInfo.Factory.class)
public final class Example<T> {
    private final T record;
    private final Object label;

    private Example(T record, Object label) {
        this.record = Objects.requireNonNull(record, "record");
        this.label = label;
    }

    /**
     * A record whose label is not known yet: it is only predicted.
     *
     * @param record the record
     * @param <T> its type
     * @return an example without a label
     */
    public static <T> Example<T> unlabelled(T record) {
        return new Example<>(record, null);
    }

    /**
     * A record with its label: it is predicted and learned.
     *
     * @param record the record
     * @param label a number, boolean, string, an array or list of these, or a map from the bundle's label fields to
     *     them where there are several; not null
     * @param <T> the record's type
     * @return an example with a label
     */
    public static <T> Example<T> labelled(T record, Object label) {
        return new Example<>(record, Labels.checked(label));
    }

    /** An example of a label that {@link Labels#checked} made, or null. */
    static <T> Example<T> of(T record, Object label) {
        return new Example<>(record, label);
    }

    /**
     * The record, with the features in its fields.
     *
     * @return never null
     */
    public T record() {
        return record;
    }

    /**
     * The label: an integer comes as {@code Long}, any other number as {@code Double}, a list as {@code Object[]}.
     *
     * @return null as long as it is not known; not to be changed
     */
    public Object label() {
        return label;
    }

    /**
     * Whether the label is known.
     *
     * @return whether {@link #label} is not null
     */
    public boolean isLabelled() {
        return label != null;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Example
                && record.equals(((Example<?>) other).record)
                && Labels.same(label, ((Example<?>) other).label);
    }

    @Override
    public int hashCode() {
        return record.hashCode();
    }

    @Override
    public String toString() {
        return label == null ? record + " unlabelled" : record + " labelled " + Labels.text(label);
    }
}
