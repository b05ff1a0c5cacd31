package dev.streamgrad.examples.wine;

import dev.streamgrad.flink.Scored;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** Compares each prediction with the truth: what was wrong to one side, how many were right to the other. One subtask. */
final class Judge extends ProcessFunction<Scored<Wine>, Scored<Wine>> {
    private static final long serialVersionUID = 1L;

    /** After how many records there is word of the accuracy. */
    static final int EVERY = 10;

    static final OutputTag<Accuracy> ACCURACY = new OutputTag<>("accuracy") {};
    static final OutputTag<Wrong> WRONG = new OutputTag<>("wrong") {};

    private long records;
    private int right;

    @Override
    public void processElement(Scored<Wine> scored, Context context, Collector<Scored<Wine>> out) {
        int predicted = mostProbable(scored.output("kind"));
        if (predicted == scored.record().kind) {
            right++;
        } else {
            context.output(WRONG, Wrong.of(scored, predicted));
        }
        if (++records % EVERY == 0) {
            Accuracy accuracy = new Accuracy();
            accuracy.records = records;
            accuracy.accuracy = (double) right / EVERY;
            accuracy.model = scored.version();
            context.output(ACCURACY, accuracy);
            right = 0;
        }
        out.collect(scored);
    }

    private static int mostProbable(float[] probabilities) {
        int best = 0;
        for (int i = 1; i < probabilities.length; i++) {
            best = probabilities[i] > probabilities[best] ? i : best;
        }
        return best;
    }
}
