package dev.streamgrad.flink;

import java.io.Serializable;

/** What becomes of a record whose label did not come in time. Immutable, safe for use by several threads. */
public final class Expiry implements Serializable {
    private static final long serialVersionUID = 1L;

    /** In a form of {@link Labels}, all of which are serializable; null if the record is dropped. */
    private final Object label;

    private Expiry(Object label) {
        this.label = label;
    }

    /**
     * The record is not learned; it goes to {@link Streamgrad#EXPIRED}.
     *
     * @return this choice
     */
    public static Expiry drop() {
        return new Expiry(null);
    }

    /**
     * The record is learned with this label: no click within the hour means that it was not clicked. It goes to
     * {@link Streamgrad#EXPIRED} too.
     *
     * <p>Such a record is learned when the watermark passes its time, so two runs have the same order, and the same
     * bits, only if their watermarks come at the same records: with a generator that emits them from the records.
     *
     * @param label as {@link Example#labelled} takes it
     * @return this choice
     */
    public static Expiry learnAs(Object label) {
        return new Expiry(Labels.checked(label));
    }

    /** The label to learn, or null. */
    Object label() {
        return label;
    }

    /** For logs. */
    @Override
    public String toString() {
        return label == null ? "drop" : "learn as " + Labels.text(label);
    }
}
