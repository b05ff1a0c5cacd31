package dev.streamgrad.flink;

import dev.streamgrad.Report;
import dev.streamgrad.Trainer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;

/**
 * The learner's metrics, in the operator's group {@code streamgrad}: {@code rows} and {@code steps} learned,
 * {@code predictions}, {@code refused}, rows {@code quarantined} with their batch and rows {@code skipped} because the
 * trainer was paused, {@code loss} and {@code stepTime} (nanoseconds) of the last step,
 * {@code version} of the parameters and {@code nativeBytes} that they take. Written by the task's thread, read by
 * Flink's reporters.
 */
final class LearnMetrics {
    private final Counter rows;
    private final Counter steps;
    private final Counter predictions;
    private final Counter refused;
    private final Counter quarantined;
    private final Counter skipped;
    private final long nativeBytes;
    private volatile float loss = Float.NaN;
    private volatile long stepTime;
    private volatile long version;

    LearnMetrics(MetricGroup operator, Trainer trainer) {
        MetricGroup group = operator.addGroup("streamgrad");
        rows = group.counter("rows");
        steps = group.counter("steps");
        predictions = group.counter("predictions");
        refused = group.counter("refused");
        quarantined = group.counter("quarantined");
        skipped = group.counter("skipped");
        // A reporter may ask after the trainer was closed, so it never asks the trainer.
        nativeBytes = trainer.nativeBytes();
        version = trainer.version();
        group.gauge("loss", (Gauge<Float>) () -> loss);
        group.gauge("stepTime", (Gauge<Long>) () -> stepTime);
        group.gauge("version", (Gauge<Long>) () -> version);
        group.gauge("nativeBytes", (Gauge<Long>) () -> nativeBytes);
    }

    void scored() {
        predictions.inc();
    }

    void refused() {
        refused.inc();
    }

    void quarantined() {
        quarantined.inc();
    }

    void skipped(int rows) {
        skipped.inc(rows);
    }

    void learned(Report report) {
        rows.inc(report.rows());
        steps.inc();
        loss = report.loss();
        stepTime = report.pullNanos() + report.runNanos() + report.pushNanos();
        version = report.version();
    }
}
