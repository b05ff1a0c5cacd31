package dev.streamgrad.examples.flights;

import java.util.Arrays;

/** Probabilities and what came true: exact AUC and mean logloss of them, beside a base rate's. Used by one thread. */
final class Tally {
    /** A probability of exactly 0 or 1 has an infinite logloss when it is wrong; Keras holds it to this distance, too. */
    private static final double EPSILON = 1e-7;

    /** A probability's bits, which order as the probabilities do, and below them the label. */
    private long[] scored = new long[1024];
    private int size;
    private double logloss;
    private double baseRateLogloss;

    void add(float probability, boolean label, double baseRate) {
        if (!(probability >= 0 && probability <= 1)) {
            throw new IllegalArgumentException("score prediction: it is no probability: " + probability);
        }
        if (size == scored.length) {
            scored = Arrays.copyOf(scored, 2 * size);
        }
        // Adding zero makes a negative zero positive.
        scored[size++] = (long) Float.floatToIntBits(probability + 0.0f) << 1 | (label ? 1 : 0);
        logloss += logloss(probability, label);
        baseRateLogloss += logloss(baseRate, label);
    }

    private static double logloss(double probability, boolean label) {
        double held = Math.min(Math.max(probability, EPSILON), 1 - EPSILON);
        return -Math.log(label ? held : 1 - held);
    }

    int size() {
        return size;
    }

    /** NaN without a prediction. */
    double logloss() {
        return logloss / size;
    }

    /** NaN without a prediction. */
    double baseRateLogloss() {
        return baseRateLogloss / size;
    }

    /** The share of pairs, one late and one not, that are in the right order; a tie counts half. NaN without a pair. */
    double auc() {
        long[] sorted = Arrays.copyOf(scored, size);
        Arrays.sort(sorted);
        long negatives = 0;
        long positives = 0;
        long halfPairs = 0;
        for (int from = 0, to; from < size; from = to) {
            int tied = 0;
            for (to = from; to < size && sorted[to] >> 1 == sorted[from] >> 1; to++) {
                tied += (int) (sorted[to] & 1);
            }
            long tiedNegatives = to - from - tied;
            halfPairs += tied * (2 * negatives + tiedNegatives);
            negatives += tiedNegatives;
            positives += tied;
        }
        return halfPairs / (2.0 * negatives * positives);
    }
}
