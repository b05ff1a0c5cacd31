package dev.streamgrad.examples.wine;

/** How many of the last records were predicted right. A POJO of Flink. */
public final class Accuracy {
    /** Records so far, these included. */
    public long records;
    /** Between 0 and 1. */
    public double accuracy;
    /** The number of the bundle that predicted the last of them. */
    public long model;

    @Override
    public String toString() {
        return String.format("%6d wines, model %d: %3.0f%% of the last %d right", records, model, 100 * accuracy, Judge.EVERY);
    }
}
