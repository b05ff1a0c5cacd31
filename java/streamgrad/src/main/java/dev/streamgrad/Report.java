package dev.streamgrad;

import java.nio.ByteBuffer;

/**
 * What a step did: the loss, the predictions made before the update, the metrics, the versions and the time it took.
 * Plain data: immutable, safe for use by several threads, valid for ever.
 */
public final class Report {
    private final float loss;
    private final int rows;
    private final long gradientVersion;
    private final long version;
    private final long pullNanos;
    private final long runNanos;
    private final long pushNanos;
    private final Metrics metrics;
    private final Predictions predictions;

    Report(ByteBuffer report, Metrics metrics, Predictions predictions) {
        this.loss = report.getFloat(Call.LOSS);
        this.rows = report.getInt(Call.ROWS);
        this.gradientVersion = report.getLong(Call.GRADIENT_VERSION);
        this.version = report.getLong(Call.VERSION);
        this.pullNanos = report.getLong(Call.PULL_NANOS);
        this.runNanos = report.getLong(Call.RUN_NANOS);
        this.pushNanos = report.getLong(Call.PUSH_NANOS);
        this.metrics = metrics;
        this.predictions = predictions;
    }

    /**
     * The loss of the batch before the update, regularizers included.
     *
     * @return a finite number
     */
    public float loss() {
        return loss;
    }

    /**
     * How many rows were learned.
     *
     * @return one or more
     */
    public int rows() {
        return rows;
    }

    /**
     * The version that predicted and that the gradient was computed on.
     *
     * @return its number
     */
    public long gradientVersion() {
        return gradientVersion;
    }

    /**
     * The version that the update made.
     *
     * @return its number, greater than {@link #gradientVersion}
     */
    public long version() {
        return version;
    }

    /**
     * The metrics as of this step.
     *
     * @return plain data
     */
    public Metrics metrics() {
        return metrics;
    }

    /**
     * The predictions for the batch, those of inference, made before the update.
     *
     * @return plain data
     */
    public Predictions predictions() {
        return predictions;
    }

    /**
     * The time it took to get the parameters.
     *
     * @return nanoseconds
     */
    public long pullNanos() {
        return pullNanos;
    }

    /**
     * The time TensorFlow took.
     *
     * @return nanoseconds
     */
    public long runNanos() {
        return runNanos;
    }

    /**
     * The time the update took.
     *
     * @return nanoseconds
     */
    public long pushNanos() {
        return pushNanos;
    }

    /** Version, rows, loss and metrics on one line, for logs. */
    @Override
    public String toString() {
        return "version " + version + ", " + rows + " rows, loss " + loss + (metrics.names().isEmpty() ? "" : ", ")
                + metrics;
    }
}
