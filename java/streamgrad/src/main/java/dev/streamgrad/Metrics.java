package dev.streamgrad;

import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.List;

/**
 * How well the predictions were that were made before their labels were learned: since start and over a sliding
 * window. Plain data: immutable, safe for use by several threads, valid for ever.
 */
public final class Metrics {
    private final Schema schema;
    private final double[] values;

    Metrics(Schema schema, ByteBuffer report) {
        this.schema = schema;
        this.values = new double[schema.metrics().size() * 2];
        for (int i = 0; i < values.length; i++) {
            values[i] = report.getDouble(Call.METRICS + i * Double.BYTES);
        }
    }

    /**
     * The names of all metrics: {@code loss}, then those of the bundle.
     *
     * @return an unmodifiable list
     */
    public List<String> names() {
        return Collections.unmodifiableList(schema.metrics());
    }

    /**
     * A metric since start.
     *
     * @param name one of {@link #names}
     * @return NaN while it is undefined, as an AUC before both labels were seen
     * @throws InvalidInputException if there is no such metric
     */
    public double value(String name) {
        return values[2 * find(name, schema.metrics())];
    }

    /**
     * A metric over the sliding window.
     *
     * @param name one of {@link #names}
     * @return NaN while it is undefined, as an AUC before both labels were seen
     * @throws InvalidInputException if there is no such metric
     */
    public double window(String name) {
        return values[2 * find(name, schema.metrics()) + 1];
    }

    /**
     * The mean loss since start; it has a window under the name {@code loss}.
     *
     * @return NaN before the first row
     */
    public double loss() {
        return value("loss");
    }

    /**
     * The area under the ROC curve since start, of the first metric of this kind.
     *
     * @return NaN until both labels were seen
     * @throws InvalidInputException if the bundle was exported without it
     */
    public double auc() {
        return values[2 * find("auc", schema.metricKinds())];
    }

    /**
     * The share of rows that were classified rightly since start, of the first metric of this kind.
     *
     * @return NaN before the first row
     * @throws InvalidInputException if the bundle was exported without it
     */
    public double accuracy() {
        return values[2 * find("accuracy", schema.metricKinds())];
    }

    private int find(String name, List<String> names) {
        int index = names.indexOf(name);
        if (index < 0) {
            throw new InvalidInputException("find metric: the bundle has " + schema.metrics()
                    + ", export it with the metric you need: " + name);
        }
        return index;
    }

    /** Name and value since start of each, for logs. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < schema.metrics().size(); i++) {
            text.append(i == 0 ? "" : ", ").append(schema.metrics().get(i)).append(' ').append(values[2 * i]);
        }
        return text.toString();
    }
}
