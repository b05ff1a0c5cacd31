package dev.streamgrad.flink;

import dev.streamgrad.Predictor;
import dev.streamgrad.PredictorStatus;
import dev.streamgrad.StreamgradException;
import java.time.Duration;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;

/**
 * The metrics of a function that predicts, in the operator's group {@code streamgrad}: {@code predictions} made and
 * records {@code refused}; of the version that predicts its number ({@code version}), its name with the lineage
 * ({@code versionId}) and its {@code age} in milliseconds, -1 where nobody knows; how many {@code swaps} there were, and
 * {@code failures}, attempts to take the newest version since it is not the one that predicts. Written by the task's
 * thread, read by Flink's reporters.
 */
final class PredictMetrics {
    private final MetricGroup group;
    private final Counter predictions;
    private final Counter refused;
    private volatile Predictor predictor;
    /** For a reporter that asks after the predictor was closed. */
    private volatile PredictorStatus last;

    PredictMetrics(MetricGroup operator, Predictor predictor) {
        serve(predictor);
        last = predictor.status();
        group = operator.addGroup("streamgrad");
        predictions = group.counter("predictions");
        refused = group.counter("refused");
        group.gauge("version", (Gauge<Long>) () -> status().version().number());
        group.gauge("versionId", (Gauge<String>) () -> status().version().toString());
        group.gauge("age", (Gauge<Long>) () -> status().age().map(Duration::toMillis).orElse(-1L));
        group.gauge("swaps", (Gauge<Long>) () -> status().swaps());
        group.gauge("failures", (Gauge<Long>) () -> status().failures());
    }

    /** Another predictor takes over. */
    void serve(Predictor predictor) {
        this.predictor = predictor;
    }

    private PredictorStatus status() {
        try {
            return predictor.status();
        } catch (StreamgradException e) {
            return last;
        }
    }

    /** The predictor is about to be closed. */
    void closing() {
        last = status();
    }

    /** A counter beside these. */
    Counter counter(String name) {
        return group.counter(name);
    }

    void predicted() {
        predictions.inc();
    }

    void refused() {
        refused.inc();
    }
}
