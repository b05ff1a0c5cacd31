package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.Batch;
import dev.streamgrad.Predictions;
import dev.streamgrad.Predictor;
import dev.streamgrad.Row;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** SavedModels predict in a job, and a graph that a JSON describes learns in one. */
final class SavedModelJobTest {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = Cluster.start();

    private static final Encoder<Long> NUMBERS = (number, row) -> fill(row, number);

    private static void fill(Row row, long number) {
        row.set("numbers", new float[] {number, number / 2f, -1}).set("carrier", number % 5);
    }

    private static PredictMap<Long> predict(String bundle) {
        return new PredictMap<>(bundle, Types.LONG).encoder(NUMBERS);
    }

    /** What the job predicts of 0 to 9 is what a predictor does here. */
    private static void predictsAs(Predictor predictor, PredictMap<Long> map, StreamExecutionEnvironment env) throws Exception {
        List<Scored<Long>> scored = Cluster.collect(env.fromSequence(0, 9).map(map));
        assertEquals(10, scored.size());
        try (predictor) {
            Batch batch = predictor.newBatch(1);
            for (Scored<Long> one : scored) {
                batch.clear();
                batch.add(row -> fill(row, one.record()));
                Predictions wanted = predictor.predict(batch);
                assertEquals(wanted.versionId(), one.versionId());
                for (String output : List.of("late", "delay")) {
                    assertArrayEquals(wanted.output(output).row(0), one.output(output));
                }
            }
        }
    }

    private static Predictor keras() {
        return Predictor.builder(Path.of(Bundles.saved("keras"))).open();
    }

    @Test
    void aSavedModelPredicts() throws Exception {
        predictsAs(keras(), predict(Bundles.saved("keras")).signature("serving_default"), Cluster.environment());
    }

    @Test
    void itIsCopiedWithItsVariables() throws Exception {
        predictsAs(keras(), predict(Path.of(Bundles.saved("keras")).toUri().toString()), Cluster.environment());
    }

    @Test
    void itIsShippedWithTheJob() throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        BundleSource shipped = BundleSource.ship(Bundles.saved("keras")).register(env);
        predictsAs(keras(), predict("cached:" + shipped), env);
    }

    @Test
    void theHighestOfNumberedOnesPredicts() throws Exception {
        Path folder = Path.of(Bundles.saved("numbered"));
        PredictMap<Long> map = PredictMap.numbered(folder.toString(), Types.LONG).encoder(NUMBERS);
        predictsAs(Predictor.numbered(folder).open(), map, Cluster.environment());
    }

    @Test
    void aSignatureIsChosenAndStringsAreNoScores() throws Exception {
        Encoder<Long> x = (number, row) -> row.set("x", number);
        PredictMap<Long> twice = new PredictMap<>(Bundles.saved("words"), Types.LONG).encoder(x).signature("double");
        List<Scored<Long>> scored = Cluster.collect(Cluster.environment().fromSequence(0, 9).map(twice));
        assertArrayEquals(
                new double[] {0, 2, 4, 6, 8, 10, 12, 14, 16, 18},
                scored.stream().mapToDouble(Scored::prediction).sorted().toArray());
        PredictMap<Long> find = new PredictMap<>(Bundles.saved("words"), Types.LONG).encoder(x).signature("find");
        Exception failure = Cluster.failure(Cluster.environment().fromSequence(0, 9).map(find));
        assertTrue(ExceptionUtils.findThrowableWithMessage(failure, "a score is a number").isPresent(), failure::toString);
    }

    @Test
    void aDescribedGraphLearnsAndASavedModelDoesNot() throws Exception {
        Encoder<Long> wine = (number, row) -> {
            float[] values = new float[13];
            values[(int) (number % 13)] = 1;
            row.set("input_x", values).set("input_y", number % 2);
        };
        List<Scored<Long>> scored = Cluster.collect(
                Streamgrad.learn(Cluster.environment().fromSequence(0, 639), Bundles.described()).encoder(wine).withBatch().apply());
        assertEquals(640, scored.size());
        assertTrue(scored.stream().mapToLong(Scored::version).max().orElse(0) > 1);
        Exception failure = Cluster.failure(
                Streamgrad.learn(Cluster.environment().fromSequence(0, 9), Bundles.saved("keras")).encoder(NUMBERS).apply());
        assertTrue(ExceptionUtils.findThrowableWithMessage(failure, "streamgrad.export").isPresent(), failure::toString);
    }
}
