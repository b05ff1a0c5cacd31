package dev.streamgrad;

import java.io.Serializable;

/**
 * Which updates a trainer refuses beside those that are not finite, and what it does when they do not end.
 *
 * <p>A batch is refused ({@link OutlierException}) if the norm of its gradient is far beyond those of the last batches that were
 * learned: its logarithm above {@code median + max(deviations * 1.4826 * MAD, ln(factor))}. A refused batch changes nothing; a copy waits
 * until {@link Trainer#drainQuarantine}.
 *
 * <p>This is only what is wished for: immutable, safe for use by several threads, good for several trainers. Each method
 * returns a copy with one option changed.
 */
public final class Guard implements Serializable {
    private static final long serialVersionUID = 1L;

    /** As {@code src/jvm/options.rs} reads it; what is set later counts. */
    private final String lines;

    private Guard(String lines) {
        this.lines = lines;
    }

    /**
     * A guard of defaults: a window of 256 batches, 64 to warm up, 5 deviations, a factor of 30, a pause after 10 in a row.
     *
     * @return all options at their defaults
     */
    public static Guard defaults() {
        return new Guard("guard=\n");
    }

    /**
     * The norms that are remembered.
     *
     * @param batches the last so many that were learned; 8 or more
     * @return a copy
     */
    public Guard window(int batches) {
        return with("window", Integer.toString(batches));
    }

    /**
     * So many batches are learned, whatever their norm, before there is a bound.
     *
     * @param batches from 2 to the window
     * @return a copy
     */
    public Guard warmUp(int batches) {
        return with("warm_up", Integer.toString(batches));
    }

    /**
     * How many robust standard deviations above the median a logarithm may be.
     *
     * @param deviations not negative
     * @return a copy
     */
    public Guard deviations(double deviations) {
        return with("deviations", Double.toString(deviations));
    }

    /**
     * A norm up to so many times the median is never refused.
     *
     * @param factor above 1
     * @return a copy
     */
    public Guard factor(double factor) {
        return with("factor", Double.toString(factor));
    }

    /**
     * Sets no bound on norms.
     *
     * @return a copy, for which the options above mean nothing any more
     */
    public Guard anyNorm() {
        return with("bound", "");
    }

    /**
     * Pauses after so many refused updates in a row.
     *
     * @param refused one or more; 10 by default
     * @return a copy
     */
    public Guard pauseAfter(long refused) {
        return with("pause_after", Long.toString(refused));
    }

    /**
     * Goes back to the version saved last after so many refused updates in a row, in a lineage of its own. It pauses if there
     * is none, or if nothing was learned since. Needs a {@link Builder#store}.
     *
     * @param refused one or more
     * @return a copy
     */
    public Guard rollBackAfter(long refused) {
        return with("roll_back_after", Long.toString(refused));
    }

    /**
     * Goes on refusing, however many there are.
     *
     * @return a copy
     */
    public Guard withoutResponse() {
        return with("response", "");
    }

    /**
     * The refused batches that are kept until they are drained; of more the oldest are dropped, and counted.
     *
     * @param batches 16 by default
     * @return a copy
     */
    public Guard quarantine(int batches) {
        return with("quarantine", Integer.toString(batches));
    }

    private Guard with(String key, String value) {
        return new Guard(lines + "guard_" + key + '=' + value + '\n');
    }

    String lines() {
        return lines;
    }
}
