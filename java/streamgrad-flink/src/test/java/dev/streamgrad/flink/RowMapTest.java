package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.DType;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.typeutils.RowTypeInfo;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Predictions as rows in whole jobs, in and out of the Table API. */
final class RowMapTest {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = Cluster.start();

    @SuppressWarnings("try") // closing may be interrupted
    private static List<Row> rows(Table table) throws Exception {
        List<Row> rows = new ArrayList<>();
        try (CloseableIterator<Row> results = table.execute().collect()) {
            results.forEachRemaining(rows::add);
        }
        return rows;
    }

    @Test
    void whatIsLearnedIsATable() throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        StreamTableEnvironment tables = StreamTableEnvironment.create(env);
        DataStream<Row> scored =
                Streamgrad.learn(Cluster.flights(env, 640), Bundles.flights()).withBatch().uid("learn").asRows();
        assertEquals("learn-rows", scored.getTransformation().getUid());
        Table table = tables.fromDataStream(scored);
        assertEquals(
                List.of("distance", "hour", "id", "late", "seats", "wind", "predicted_probability"),
                table.getResolvedSchema().getColumnNames());
        assertEquals(DataTypes.FLOAT(), table.getResolvedSchema().getColumnDataTypes().get(6).nullable());
        assertEquals(DataTypes.INT(), table.getResolvedSchema().getColumnDataTypes().get(3).nullable());
        tables.createTemporaryView("scored", table);
        List<Row> found = rows(tables.sqlQuery("SELECT id, seats + 1 AS more, predicted_probability FROM scored"
                + " WHERE predicted_probability > 0 AND predicted_probability < 1"));
        assertEquals(640, found.size());
        Row row = found.get(5);
        assertEquals(row.<Long>getFieldAs("id") % 3 + 1, row.<Integer>getFieldAs("more").longValue());
        assertTrue(row.getField("predicted_probability") instanceof Float);
    }

    @Test
    void sideOutputsStayWithTheRows() throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        SingleOutputStreamOperator<Row> scored =
                Streamgrad.learn(Cluster.flights(env, 64), Bundles.flights()).withBatch().asRows();
        assertEquals(new RefusedTypeInfo(Cluster.FLIGHT), scored.getSideOutput(Streamgrad.REFUSED).getType());
        List<String> kinds = Cluster.collect(scored.map(row -> "row", Types.STRING)
                .union(scored.getSideOutput(Streamgrad.REPORTS).map(report -> "step", Types.STRING)));
        assertEquals(2, kinds.stream().filter("step"::equals).count());
        assertEquals(64, kinds.stream().filter("row"::equals).count());
    }

    /** A record of SQL becomes a row with everything that SQL said, and each output as what the bundle says. */
    @Test
    void sqlGoesThroughAModelAndBack() throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        StreamTableEnvironment tables = StreamTableEnvironment.create(env);
        Table given = tables.sqlQuery("SELECT id, TO_TIMESTAMP_LTZ(id * 1500, 3) AS of_int64, CAST(id AS DECIMAL(20, 0)) AS of_uint64,"
                + " ARRAY[id, id + 1, id + 2] AS steps, CAST(id AS STRING) AS text, DATE '1970-01-11' AS of_int32, id > 1 AS of_bool"
                + " FROM (VALUES (1), (2), (3)) AS t(id)");
        DataStream<Row> records = tables.toDataStream(given);
        DataStream<Row> scored = Streamgrad.predict(records, Bundles.echoes())
                .fields(Echo.REST)
                .updates(env.fromData(new ModelUpdateTypeInfo(), ModelUpdate.bundle(Bundles.echoes())))
                .parallelism(1)
                .asRows();
        Table table = tables.fromDataStream(scored);
        Map<String, String> types = Map.of(
                "id", "INT",
                "of_int64", "TIMESTAMP_LTZ(9)",
                "steps", "ARRAY<INT>",
                "predicted_answer", "FLOAT",
                "predicted_echo_int64", "BIGINT",
                "predicted_echo_uint64", "DECIMAL(38, 18)",
                "predicted_echo_matrix", "ARRAY<ARRAY<DOUBLE NOT NULL>>",
                "predicted_echo_steps", "ARRAY<DECIMAL(38, 18)>",
                "predicted_echo_bool", "BOOLEAN",
                "predicted_echo_int8", "TINYINT");
        types.forEach((name, type) -> assertEquals(
                type,
                table.getResolvedSchema().getColumn(name).orElseThrow().getDataType().getLogicalType().asSummaryString(),
                name));
        tables.createTemporaryView("scored", table);
        List<Row> found = rows(tables.sqlQuery("SELECT id, predicted_echo_int64, predicted_echo_steps[3] AS step,"
                + " predicted_echo_int32, predicted_echo_bool, predicted_echo_matrix[2][3] AS corner, of_int64 FROM scored"));
        assertEquals(3, found.size());
        for (Row row : found) {
            int id = row.getFieldAs("id");
            assertEquals(id * 1_500L, row.getField("predicted_echo_int64"));
            assertEquals(0, BigDecimal.valueOf(id + 2).compareTo(row.getFieldAs("step")));
            assertEquals(10, row.getField("predicted_echo_int32"));
            assertEquals(id > 1, row.getField("predicted_echo_bool"));
            assertEquals(0.0, row.getField("corner"));
            assertEquals(id * 1_500L, row.<Instant>getFieldAs("of_int64").toEpochMilli());
        }
    }

    @Test
    void severalOutputsOfAMap() throws Exception {
        TypeInformation<FieldEncoderTest.Outcome> type = TypeInformation.of(FieldEncoderTest.Outcome.class);
        StreamExecutionEnvironment env = Cluster.environment();
        List<Row> rows = Cluster.collect(env.fromData(type, new FieldEncoderTest.Outcome())
                .map(new PredictMap<>(Bundles.outcomes(), type))
                .map(new RowMap<>("ship:" + Bundles.outcomes(), type)));
        RowTypeInfo produced = (RowTypeInfo) new RowMap<>(Bundles.outcomes(), type).getProducedType();
        assertEquals(Types.FLOAT, produced.getTypeAt("predicted_late"));
        assertEquals(Types.PRIMITIVE_ARRAY(Types.FLOAT), produced.getTypeAt("predicted_gate"));
        assertEquals(produced.getArity(), rows.get(0).getArity());
        float[] gate = (float[]) rows.get(0).getField(produced.getFieldIndex("predicted_gate"));
        assertEquals(1f, gate[0] + gate[1] + gate[2], 1e-6);
        assertEquals("UA", rows.get(0).getField(produced.getFieldIndex("carrier")));
    }

    @Test
    void theManifestIsReadWhereverTheBundleIs() throws Exception {
        String folder = Bundles.flights();
        StreamExecutionEnvironment env = Cluster.environment();
        env.registerCachedFile(Path.of(folder).toUri().toString(), "flights");
        for (String bundle : new String[] {folder, "ship:" + folder, Path.of(folder).toUri().toString(), "cached:flights"}) {
            DataStream<Row> rows = Streamgrad.learn(Cluster.flights(env, 1), bundle).asRows();
            assertEquals(7, rows.getType().getArity(), bundle);
        }
        for (String bundle : new String[] {"/nowhere", "file:/nowhere", "classpath:nowhere", "cached:nowhere"}) {
            String message = assertThrows(
                            IllegalArgumentException.class,
                            () -> Streamgrad.learn(Cluster.flights(env, 1), bundle).asRows())
                    .getMessage();
            assertTrue(message.contains("nowhere") && message.startsWith("read bundle: "), message);
        }
    }

    @Test
    void whatDoesNotFitFailsWhileTheJobIsBuilt() {
        StreamExecutionEnvironment env = Cluster.environment();
        DataStream<Row> words =
                env.fromData(Types.ROW_NAMED(new String[] {"hour"}, Types.STRING), Row.of("noon"));
        for (String bundle : new String[] {Bundles.flights(), "ship:" + Bundles.flights()}) {
            String message = assertThrows(
                            IllegalArgumentException.class,
                            () -> Streamgrad.learn(words, bundle).apply())
                    .getMessage();
            assertTrue(message.contains("hour is java.lang.String"), message);
        }
        assertThrows(
                IllegalArgumentException.class,
                () -> Streamgrad.predict(words, Bundles.flights())
                        .updates(env.fromData(new ModelUpdateTypeInfo(), ModelUpdate.rollback()))
                        .apply());
        DataStream<Row> nameless = env.fromData(TypeInformation.of(Row.class), Row.of(1));
        assertThrows(IllegalArgumentException.class, () -> Streamgrad.learn(nameless, Bundles.flights()).asRows());
    }

    @Test
    void everyTypeOfNumbersKeepsEachBit() {
        OutputValues values = OutputValues.of(1, 2, 3, 4, 5, 6);
        assertArrayEquals(
                new float[][] {{1, 2, 3}, {4, 5, 6}},
                (float[][]) FlinkType.of(DType.FLOAT32).value(values, new int[] {2, 3}));
        assertEquals(1f, FlinkType.of(DType.FLOAT32).value(OutputValues.of(1), new int[] {1, 1}));
    }
}
