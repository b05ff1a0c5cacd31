package dev.streamgrad.examples.wine;

import dev.streamgrad.flink.Scored;

/** A wine that was taken for another's. A POJO of Flink. */
public final class Wrong {
    public Wine wine;
    /** Whose it was said to be. */
    public int predicted;
    /** The number of the bundle that said so. */
    public long model;

    static Wrong of(Scored<Wine> scored, int predicted) {
        Wrong wrong = new Wrong();
        wrong.wine = scored.record();
        wrong.predicted = predicted;
        wrong.model = scored.version();
        return wrong;
    }

    @Override
    public String toString() {
        return "       model " + model + " took a wine of grower " + wine.kind + " for one of " + predicted;
    }
}
