package dev.streamgrad.flink;

import java.util.Objects;
import org.apache.flink.api.common.typeinfo.TypeInfo;

/**
 * A record or a label that {@link Streamgrad#awaitLabels} could not pair; the side output it comes from says why. As
 * safe for use by several threads as the record is.
 */
@TypeInfo(UnpairedTypeInfo.Factory.class)
public final class Unpaired {
    private final String key;
    private final Object record;
    private final Object label;

    private Unpaired(String key, Object record, Object label) {
        this.key = Objects.requireNonNull(key, "key");
        this.record = record;
        this.label = label;
    }

    static Unpaired of(Object key, Object record, Object label) {
        return new Unpaired(String.valueOf(key), record, label);
    }

    /**
     * The key that would have paired it, as text.
     *
     * @return never null
     */
    public String key() {
        return key;
    }

    /**
     * The record.
     *
     * @return null if a label is what could not be paired
     */
    public Object record() {
        return record;
    }

    /**
     * The label, in the forms of {@link Example#label}.
     *
     * @return null if a record is what could not be paired
     */
    public Object label() {
        return label;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Unpaired
                && key.equals(((Unpaired) other).key)
                && Objects.equals(record, ((Unpaired) other).record)
                && Labels.same(label, ((Unpaired) other).label);
    }

    @Override
    public int hashCode() {
        return key.hashCode();
    }

    @Override
    public String toString() {
        return key + ": " + (record != null ? "record " + record : "label " + Labels.text(label));
    }
}
