package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.formats.avro.typeutils.GenericRecordAvroTypeInfo;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.ExternalTypeInfo;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Fields of records within records, of each kind. */
final class NestedFieldTest {
    private static final String PATH = "plane.engine.power";

    private static Echo echo;

    @BeforeAll
    static void open() {
        echo = new Echo();
    }

    @AfterAll
    static void close() {
        echo.close();
    }

    /** The innermost record. */
    public static class Engine {
        public Long power;
        public int cylinders;
    }

    /** Has one, behind a getter. */
    public static class Plane {
        private Engine engine;

        public Engine getEngine() {
            return engine;
        }

        public void setEngine(Engine engine) {
            this.engine = engine;
        }
    }

    /** Has one, and a tuple. */
    public static class Flight {
        public Plane plane;
        public Tuple2<Long, String> pair = Tuple2.of(8L, "");
        public String carrier = "";
    }

    private static Fields at(String path) {
        return Echo.REST.rename("of_int64", path).orElse("of_int64", -1);
    }

    /** Each record lacks one thing more. */
    @SafeVarargs
    private static <T> void reads(TypeInformation<T> type, String path, T... records) {
        assertEquals(7L, echo.of("int64", type, records[0], at(path)));
        for (int i = 1; i < records.length; i++) {
            assertEquals(-1L, echo.of("int64", type, records[i], at(path)), "the default");
            T record = records[i];
            String message = assertThrows(
                            RuntimeException.class,
                            () -> echo.of("int64", type, record, without(path)))
                    .getMessage();
            assertTrue(message.contains("of_int64"), message);
        }
        String unknown = assertThrows(
                        IllegalArgumentException.class,
                        () -> echo.of("int64", type, records[0], without(path + "er")))
                .getMessage();
        assertTrue(unknown.contains("does not have"), unknown);
    }

    private static Fields without(String path) {
        Fields fields = Fields.named().orElse("matrix", 0.0).orElse("steps", 0).orElse("text", "").orElse("of_bool", false);
        for (String number : new String[] {"float32", "float64", "int8", "int16", "int32", "uint8", "uint16", "uint32", "uint64"}) {
            fields = fields.orElse("of_" + number, 0);
        }
        return fields.rename("of_int64", path);
    }

    @Test
    void rowsInRows() {
        TypeInformation<Row> engine = Types.ROW_NAMED(new String[] {"power"}, Types.LONG);
        TypeInformation<Row> plane = Types.ROW_NAMED(new String[] {"engine"}, engine);
        TypeInformation<Row> type = Types.ROW_NAMED(new String[] {"plane"}, plane);
        reads(
                type,
                PATH,
                Row.of(Row.of(Row.of(7L))),
                Row.of(Row.of(Row.of((Object) null))),
                Row.of(Row.of((Object) null)),
                Row.of((Object) null));
        TypeInformation<Row> dotted = Types.ROW_NAMED(new String[] {"plane", PATH}, plane, Types.LONG);
        assertEquals(9L, echo.of("int64", dotted, Row.of(Row.of(Row.of(7L)), 9L), at(PATH)), "its own name comes first");
        TypeInformation<Row> text = Types.ROW_NAMED(new String[] {"plane"}, Types.STRING);
        assertThrows(IllegalArgumentException.class, () -> echo.of("int64", text, Row.of("x"), without("plane.bytes")));
    }

    @Test
    void rowsThatKnowTheirNamesThemselves() {
        TypeInformation<Row> type = TypeInformation.of(Row.class);
        Row inner = Row.withNames();
        inner.setField("power", 7L);
        Row row = Row.withNames();
        row.setField("engine", inner);
        assertEquals(7L, echo.of("int64", type, row, at("engine.power")));
        row.setField("engine", null);
        assertEquals(-1L, echo.of("int64", type, row, at("engine.power")));
        row.setField("engine", 5);
        String message = assertThrows(IllegalArgumentException.class, () -> echo.of("int64", type, row, at("engine.power")))
                .getMessage();
        assertTrue(message.contains("has no row in this field, but java.lang.Integer: engine"), message);
    }

    @Test
    void rowsOfTheTableApiAndOfSql() {
        DataType table = DataTypes.ROW(DataTypes.FIELD(
                "plane",
                DataTypes.ROW(DataTypes.FIELD("engine", DataTypes.ROW(DataTypes.FIELD("power", DataTypes.BIGINT()))))));
        reads(
                ExternalTypeInfo.<Row>of(table),
                PATH,
                Row.of(Row.of(Row.of(7L))),
                Row.of(Row.of(Row.of((Object) null))),
                Row.of(Row.of((Object) null)),
                Row.of((Object) null));
        TypeInformation<RowData> sql = InternalTypeInfo.of((RowType) table.getLogicalType());
        reads(
                sql,
                PATH,
                (RowData) GenericRowData.of(GenericRowData.of(GenericRowData.of(7L))),
                GenericRowData.of(GenericRowData.of(GenericRowData.of((Object) null))),
                GenericRowData.of(GenericRowData.of((Object) null)),
                GenericRowData.of((Object) null));
    }

    @Test
    void classesInClassesAndTuplesInThem() {
        TypeInformation<Flight> type = TypeInformation.of(Flight.class);
        Flight whole = new Flight();
        whole.plane = new Plane();
        whole.plane.setEngine(new Engine());
        whole.plane.getEngine().power = 7L;
        Flight powerless = new Flight();
        powerless.plane = new Plane();
        powerless.plane.setEngine(new Engine());
        Flight engineless = new Flight();
        engineless.plane = new Plane();
        reads(type, PATH, whole, powerless, engineless, new Flight());
        assertEquals(0L, echo.of("int64", type, whole, at("plane.engine.cylinders")));
        assertEquals(-1L, echo.of("int64", type, new Flight(), at("plane.engine.cylinders")), "a primitive of what is not there");
        assertEquals(8L, echo.of("int64", type, whole, at("pair.f0")));
        assertThrows(IllegalArgumentException.class, () -> echo.of("int64", type, whole, without("carrier.length")));
    }

    @Test
    void tuplesInTuples() {
        TypeInformation<Tuple2<Tuple2<String, Long>, Long>> type =
                Types.TUPLE(Types.TUPLE(Types.STRING, Types.LONG), Types.LONG);
        reads(type, "f0.f1", Tuple2.of(Tuple2.of("", 7L), 1L), Tuple2.of(Tuple2.of("", null), 1L), Tuple2.of(null, 1L));
    }

    @Test
    void avroRecordsInRecords() {
        Schema engine = SchemaBuilder.record("Engine").fields().optionalLong("power").endRecord();
        Schema plane = SchemaBuilder.record("Plane").fields().name("engine").type(engine).noDefault().endRecord();
        Schema flight =
                SchemaBuilder.record("Flight").fields().name("plane").type().optional().type(plane).endRecord();
        GenericRecord whole = record(flight, record(plane, record(engine, 7L)));
        GenericRecord powerless = record(flight, record(plane, record(engine, null)));
        reads(new GenericRecordAvroTypeInfo(flight), PATH, whole, powerless, record(flight, null));
    }

    private static GenericRecord record(Schema schema, Object value) {
        GenericRecord record = new GenericData.Record(schema);
        record.put(0, value);
        return record;
    }
}
