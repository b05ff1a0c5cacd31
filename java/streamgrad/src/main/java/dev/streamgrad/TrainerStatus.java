package dev.streamgrad;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Whether a trainer learns, and what its {@link Guard} has seen. Plain data: immutable, safe for use by several threads,
 * valid for ever.
 */
public final class TrainerStatus {
    private final int learning;
    private final String reason;
    private final VersionId version;
    private final VersionId saved;
    private final float learningRate;
    private final long rows;
    private final double loss;
    private final long notFinite;
    private final long outliers;
    private final long inRow;
    private final long responses;
    private final long quarantined;
    private final long dropped;
    private final double norm;
    private final double limit;

    /** Reads what {@code src/jvm/control.rs} writes. */
    TrainerStatus(ByteBuffer in) {
        learning = in.getInt();
        if (in.get() == 0) {
            reason = null;
        } else {
            byte[] utf8 = new byte[in.getInt()];
            in.get(utf8);
            reason = new String(utf8, StandardCharsets.UTF_8);
        }
        version = new VersionId(in);
        saved = in.get() == 0 ? null : new VersionId(in);
        learningRate = in.getFloat();
        rows = in.getLong();
        loss = in.getDouble();
        notFinite = in.getLong();
        outliers = in.getLong();
        inRow = in.getLong();
        responses = in.getLong();
        quarantined = in.getLong();
        dropped = in.getLong();
        norm = in.getDouble();
        limit = in.getDouble();
    }

    /**
     * Whether it is paused: it learns again after {@link Trainer#resume}.
     *
     * @return false if it learns, or was stopped
     */
    public boolean paused() {
        return learning == Status.PAUSED;
    }

    /**
     * Whether it was stopped, for good.
     *
     * @return true if a step would throw {@link StoppedException}
     */
    public boolean stopped() {
        return learning == Status.STOPPED;
    }

    /**
     * Why it is paused.
     *
     * @return one line; empty if it is not
     */
    public Optional<String> reason() {
        return Optional.ofNullable(reason);
    }

    /**
     * The newest version.
     *
     * @return its name
     */
    public VersionId version() {
        return version;
    }

    /**
     * The version saved last.
     *
     * @return empty if none was
     */
    public Optional<VersionId> saved() {
        return Optional.ofNullable(saved);
    }

    /**
     * The learning rate of the next step.
     *
     * @return the default optimizer's, if groups of parameters have their own
     */
    public double learningRate() {
        return learningRate;
    }

    /**
     * The rows that the metrics have seen.
     *
     * @return zero or more
     */
    public long rows() {
        return rows;
    }

    /**
     * The mean loss of these rows.
     *
     * @return NaN if there are none
     */
    public double loss() {
        return loss;
    }

    /**
     * The updates that were refused because something was not finite.
     *
     * @return since the trainer was opened
     */
    public long notFinite() {
        return notFinite;
    }

    /**
     * The updates that were refused because the norm of the gradient was far beyond those before.
     *
     * @return since the trainer was opened
     */
    public long outliers() {
        return outliers;
    }

    /**
     * The refused updates in a row, up to now.
     *
     * @return zero or more
     */
    public long inRow() {
        return inRow;
    }

    /**
     * How often there were so many in a row that the trainer paused or went back.
     *
     * @return since the trainer was opened
     */
    public long responses() {
        return responses;
    }

    /**
     * The refused batches that wait for {@link Trainer#drainQuarantine}.
     *
     * @return zero or more
     */
    public long quarantined() {
        return quarantined;
    }

    /**
     * The refused batches that were dropped for newer ones.
     *
     * @return since the trainer was opened
     */
    public long dropped() {
        return dropped;
    }

    /**
     * The norm of the last gradient.
     *
     * @return empty if norms are not bounded
     */
    public OptionalDouble norm() {
        return optional(norm);
    }

    /**
     * The largest norm that is not refused.
     *
     * @return empty if norms are not bounded, or not yet
     */
    public OptionalDouble limit() {
        return optional(limit);
    }

    private static OptionalDouble optional(double value) {
        return Double.isNaN(value) ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    /** Whether it learns, and at which version, for logs. */
    @Override
    public String toString() {
        return (paused() ? "paused (" + reason + ")" : stopped() ? "stopped" : "running") + " at " + version + ", refused "
                + notFinite + " not finite and " + outliers + " outliers";
    }
}
