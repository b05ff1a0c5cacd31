package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.Batch;
import dev.streamgrad.Predictions;
import dev.streamgrad.Predictor;
import dev.streamgrad.Row;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
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
    void aSignatureIsChosenAndStringsAreScores() throws Exception {
        Encoder<Long> x = (number, row) -> row.set("x", number);
        PredictMap<Long> twice = new PredictMap<>(Bundles.saved("words"), Types.LONG).encoder(x).signature("double");
        List<Scored<Long>> scored = Cluster.collect(Cluster.environment().fromSequence(0, 9).map(twice));
        assertArrayEquals(
                new double[] {0, 2, 4, 6, 8, 10, 12, 14, 16, 18},
                scored.stream().mapToDouble(Scored::prediction).sorted().toArray());
        Encoder<Long> words = (number, row) -> row.set("words", List.of("Ü" + number, "b"));
        PredictMap<Long> find = new PredictMap<>(Bundles.saved("words"), Types.LONG).encoder(words).signature("find");
        for (Scored<Long> one : Cluster.collect(Cluster.environment().fromSequence(0, 9).map(find))) {
            String joined = "Ü" + one.record() + "+b";
            assertEquals(Set.of("joined", "place", "score"), Set.copyOf(one.outputs()));
            assertArrayEquals(new String[] {joined}, one.strings("joined"));
            assertArrayEquals(joined.getBytes(StandardCharsets.UTF_8), one.bytes("joined")[0]);
            assertEquals(3, one.output("score").length);
            assertTrue(assertThrows(IllegalArgumentException.class, () -> one.output("joined")).getMessage().contains("strings(name)"));
            assertTrue(assertThrows(IllegalArgumentException.class, () -> one.bytes("score")).getMessage().contains("output(name)"));
            assertTrue(one.toString().contains(joined), one::toString);
        }
    }

    @Test
    @SuppressWarnings("try") // closing may be interrupted
    void stringsAreColumnsOfATable() throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        TypeInformation<org.apache.flink.types.Row> type =
                Types.ROW_NAMED(new String[] {"words"}, Types.OBJECT_ARRAY(Types.STRING));
        org.apache.flink.types.Row record = org.apache.flink.types.Row.of((Object) new String[] {"x", "Ü"});
        DataStream<org.apache.flink.types.Row> rows = Streamgrad.predict(env.fromData(type, record), Bundles.saved("words"))
                .signature("find")
                .updates(env.fromData(new ModelUpdateTypeInfo(), ModelUpdate.bundle(Bundles.saved("words"))))
                .asRows();
        Table table = StreamTableEnvironment.create(env).fromDataStream(rows);
        int joined = table.getResolvedSchema().getColumnNames().indexOf("predicted_joined");
        assertEquals(DataTypes.STRING(), table.getResolvedSchema().getColumnDataTypes().get(joined));
        try (CloseableIterator<org.apache.flink.types.Row> found = table.execute().collect()) {
            assertEquals("x+Ü", found.next().getField("predicted_joined"));
        }
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
