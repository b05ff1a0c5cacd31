package dev.streamgrad.flink;

import dev.streamgrad.Metrics;
import dev.streamgrad.Report;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInfo;

/**
 * What one step of the learner did: loss, metrics, versions and times, as plain data that travels. Immutable, safe for
 * use by several threads.
 */
@TypeInfo(StepReportTypeInfo.Factory.class)
public final class StepReport {
    final int subtask;
    final long gradientVersion;
    final long version;
    final int rows;
    final float loss;
    final long pullNanos;
    final long runNanos;
    final long pushNanos;
    final String[] names;
    final double[] values;
    final double[] windows;

    StepReport(
            int subtask,
            long[] versions,
            int rows,
            float loss,
            long[] nanos,
            String[] names,
            double[] values,
            double[] windows) {
        this.subtask = subtask;
        this.gradientVersion = versions[0];
        this.version = versions[1];
        this.rows = rows;
        this.loss = loss;
        this.pullNanos = nanos[0];
        this.runNanos = nanos[1];
        this.pushNanos = nanos[2];
        this.names = names;
        this.values = values;
        this.windows = windows;
    }

    static StepReport of(int subtask, Report report) {
        Metrics metrics = report.metrics();
        String[] names = metrics.names().toArray(new String[0]);
        return new StepReport(
                subtask,
                new long[] {report.gradientVersion(), report.version()},
                report.rows(),
                report.loss(),
                new long[] {report.pullNanos(), report.runNanos(), report.pushNanos()},
                names,
                Arrays.stream(names).mapToDouble(metrics::value).toArray(),
                Arrays.stream(names).mapToDouble(metrics::window).toArray());
    }

    /**
     * Which of the learner's parallel instances stepped.
     *
     * @return its number, from zero
     */
    public int subtask() {
        return subtask;
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
     * How many rows were learned.
     *
     * @return one or more
     */
    public int rows() {
        return rows;
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
     * A metric since start, computed from predictions made before their labels were learned.
     *
     * @param name as exported
     * @return NaN while it is undefined, as an AUC before both labels were seen
     * @throws IllegalArgumentException if the bundle was exported without it
     */
    public double metric(String name) {
        return values[find(name)];
    }

    /**
     * A metric over the sliding window.
     *
     * @param name as exported
     * @return NaN while it is undefined, as an AUC before both labels were seen
     * @throws IllegalArgumentException if the bundle was exported without it
     */
    public double window(String name) {
        return windows[find(name)];
    }

    /**
     * All metrics since start, in the bundle's order.
     *
     * @return a copy
     */
    public Map<String, Double> metrics() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        for (int i = 0; i < names.length; i++) {
            metrics.put(names[i], values[i]);
        }
        return metrics;
    }

    /**
     * The time the step took: getting the parameters, running the graph, updating.
     *
     * @return nanoseconds
     */
    public long nanos() {
        return pullNanos + runNanos + pushNanos;
    }

    private int find(String name) {
        int index = Arrays.asList(names).indexOf(name);
        if (index < 0) {
            throw new IllegalArgumentException("find metric: the bundle has " + Arrays.toString(names)
                    + ", export it with the metric you need: " + name);
        }
        return index;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof StepReport)) {
            return false;
        }
        StepReport that = (StepReport) other;
        return subtask == that.subtask
                && gradientVersion == that.gradientVersion
                && version == that.version
                && rows == that.rows
                && Float.floatToIntBits(loss) == Float.floatToIntBits(that.loss)
                && pullNanos == that.pullNanos
                && runNanos == that.runNanos
                && pushNanos == that.pushNanos
                && Arrays.equals(names, that.names)
                && Arrays.equals(values, that.values)
                && Arrays.equals(windows, that.windows);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(version);
    }

    @Override
    public String toString() {
        return "version " + version + ", " + rows + " rows, loss " + loss + (names.length == 0 ? "" : ", " + metrics());
    }
}
