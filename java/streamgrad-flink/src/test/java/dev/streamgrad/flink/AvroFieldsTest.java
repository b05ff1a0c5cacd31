package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.Batch;
import java.math.BigDecimal;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.avro.util.Utf8;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.typeutils.RowTypeInfo;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.formats.avro.typeutils.GenericRecordAvroTypeInfo;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Avro's records, generic and of generated classes. */
final class AvroFieldsTest {
    private static Echo echo;

    @BeforeAll
    static void open() {
        echo = new Echo();
    }

    @AfterAll
    static void close() {
        echo.close();
    }

    private static Schema schema(String field, Schema type) {
        return SchemaBuilder.record("Given").fields().name(field).type(type).noDefault().endRecord();
    }

    private static GenericRecord record(Schema schema, Object value) {
        GenericRecord record = new GenericData.Record(schema);
        record.put(0, value);
        return record;
    }

    private static Object read(String name, Schema type, Object value) {
        Schema schema = schema(name.equals("matrix") || name.equals("steps") ? name : "of_" + name, type);
        return echo.of(name, new GenericRecordAvroTypeInfo(schema), record(schema, value));
    }

    private static Schema of(Schema.Type type) {
        return Schema.create(type);
    }

    @Test
    void numbersComeAsTheyAre() {
        assertEquals(-7, read("int32", of(Schema.Type.INT), -7));
        assertEquals(1L << 40, read("int64", of(Schema.Type.LONG), 1L << 40));
        assertEquals(0.5f, read("float32", of(Schema.Type.FLOAT), 0.5f));
        assertEquals(0.1, read("float64", of(Schema.Type.DOUBLE), 0.1));
        assertEquals(true, read("bool", of(Schema.Type.BOOLEAN), true));
        Schema nullable = Schema.createUnion(of(Schema.Type.NULL), of(Schema.Type.LONG));
        assertEquals(3L, read("int64", nullable, 3L));
        assertEquals(0L, read("int64", nullable, null), "the default");
        Schema decimal = LogicalTypes.decimal(10, 2).addToSchema(of(Schema.Type.BYTES));
        assertEquals(12.5, read("float64", decimal, ByteBuffer.wrap(new byte[] {4, (byte) 226})));
    }

    @Test
    void timesAreWholeNumbersOfTheUnitThatTheirTypeNames() {
        assertEquals(19_000, read("int32", LogicalTypes.date().addToSchema(of(Schema.Type.INT)), 19_000));
        assertEquals(61_500, read("int32", LogicalTypes.timeMillis().addToSchema(of(Schema.Type.INT)), 61_500));
        Schema millis = LogicalTypes.timestampMillis().addToSchema(of(Schema.Type.LONG));
        assertEquals(-1_500L, read("int64", millis, -1_500L));
        assertEquals(1_500L, read("int64", millis, Instant.ofEpochMilli(1_500)), "as generated classes have it");
        Schema micros = LogicalTypes.localTimestampMicros().addToSchema(of(Schema.Type.LONG));
        assertEquals(1_767_323_045_123_456L, read("int64", micros, 1_767_323_045_123_456L));
    }

    @Test
    void arraysFillShapes() {
        Schema row = Schema.createArray(of(Schema.Type.DOUBLE));
        List<List<Double>> matrix = List.of(List.of(1.0, 2.0, 3.0), List.of(4.0, 5.0, 6.0));
        assertArrayEquals(
                new double[][] {{1, 2, 3}, {4, 5, 6}}, (double[][]) read("matrix", Schema.createArray(row), matrix));
        Object[] steps = (Object[]) read("steps", Schema.createArray(of(Schema.Type.LONG)), List.of(1L, 2L, 3L));
        assertEquals(BigDecimal.valueOf(3), steps[2]);
    }

    @Test
    void stringsEnumsAndBytesAreOne() {
        TypeInformation<Row> named = Types.ROW_NAMED(new String[] {"text"}, Types.STRING);
        Object expected = echo.answer(named, Row.of("UA"));
        Schema direction = Schema.createEnum("Carrier", null, null, List.of("AA", "UA"));
        Schema fixed = Schema.createFixed("Two", null, null, 2);
        Object[][] texts = {
            {of(Schema.Type.STRING), new Utf8("UA")},
            {of(Schema.Type.STRING), "UA"},
            {of(Schema.Type.BYTES), ByteBuffer.wrap(new byte[] {'U', 'A'})},
            {direction, new GenericData.EnumSymbol(direction, "UA")},
            {fixed, new GenericData.Fixed(fixed, new byte[] {'U', 'A'})}
        };
        for (Object[] text : texts) {
            Schema schema = schema("text", (Schema) text[0]);
            assertEquals(expected, echo.answer(new GenericRecordAvroTypeInfo(schema), record(schema, text[1])), schema.toString());
        }
    }

    /** As Avro's compiler writes them, with a time of Java's. */
    public static class Departure extends SpecificRecordBase {
        public static final Schema SCHEMA$ = SchemaBuilder.record("Departure")
                .namespace("dev.streamgrad.flink.AvroFieldsTest$")
                .fields()
                .requiredString("text")
                .name("of_int64")
                .type(LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG)))
                .noDefault()
                .endRecord();

        public CharSequence text;
        public Instant of_int64;

        @Override
        public Schema getSchema() {
            return SCHEMA$;
        }

        @Override
        public Object get(int field) {
            return field == 0 ? text : of_int64;
        }

        @Override
        public void put(int field, Object value) {
            if (field == 0) {
                text = (CharSequence) value;
            } else {
                of_int64 = (Instant) value;
            }
        }
    }

    @Test
    void aGeneratedClassKnowsItsSchema() {
        Departure departure = new Departure();
        departure.put(0, "UA");
        departure.put(1, Instant.ofEpochMilli(1_500));
        assertEquals(1_500L, echo.of("int64", TypeInformation.of(Departure.class), departure));
        assertTrue(AvroTypeInfo.class.isInstance(TypeInformation.of(Departure.class)), "Flink finds Avro's type by itself");
    }

    @Test
    void recordsBecomeRows() throws Exception {
        Schema schema = SchemaBuilder.record("Given")
                .fields()
                .requiredString("text")
                .name("of_int64")
                .type(LogicalTypes.timestampMillis().addToSchema(of(Schema.Type.LONG)))
                .noDefault()
                .name("tags")
                .type(Schema.createArray(of(Schema.Type.STRING)))
                .noDefault()
                .endRecord();
        GenericRecord record = record(schema, new Utf8("UA"));
        record.put("of_int64", -1_500L);
        record.put("tags", List.of(new Utf8("a"), new Utf8("b")));
        RowMap<GenericRecord> rows =
                new RowMap<>(echo.trainer.schema(), new GenericRecordAvroTypeInfo(schema), Fields.named());
        RowTypeInfo type = (RowTypeInfo) rows.getProducedType();
        assertEquals(Types.STRING, type.getTypeAt("text"));
        assertEquals(Types.INSTANT, type.getTypeAt("of_int64"));
        assertEquals(Types.OBJECT_ARRAY(Types.STRING), type.getTypeAt("tags"));
        rows.open((OpenContext) null);
        FieldEncoder<GenericRecord> encoder =
                FieldEncoder.predicting(echo.trainer.schema(), new GenericRecordAvroTypeInfo(schema), Echo.REST);
        Batch batch = echo.trainer.newBatch(1);
        batch.add(record, encoder::encode);
        Row row = rows.map(new Scores<GenericRecord>(echo.trainer.schema()).of(record, echo.trainer.predict(batch), 0));
        assertEquals("UA", row.getField(0));
        assertEquals(Instant.ofEpochMilli(-1_500), row.getField(1));
        assertArrayEquals(new String[] {"a", "b"}, (String[]) row.getField(2));
        assertEquals(-1_500L, row.getField(type.getFieldIndex("predicted_echo_int64")));
        Schema nested = schema("inner", schema("n", of(Schema.Type.LONG)));
        String refused = assertThrows(
                        IllegalArgumentException.class,
                        () -> new RowMap<>(echo.trainer.schema(), new GenericRecordAvroTypeInfo(nested), Fields.named()))
                .getMessage();
        assertTrue(refused.contains("inner is record"), refused);
    }

    @Test
    void whatCannotFitIsNamedWithFieldAndBothTypes() {
        for (Schema wrong : new Schema[] {
            of(Schema.Type.STRING),
            Schema.createMap(of(Schema.Type.LONG)),
            schema("inner", of(Schema.Type.LONG)),
            Schema.createUnion(of(Schema.Type.LONG), of(Schema.Type.STRING))
        }) {
            TypeInformation<GenericRecord> type = new GenericRecordAvroTypeInfo(schema("of_int64", wrong));
            String message = assertThrows(
                            IllegalArgumentException.class,
                            () -> FieldEncoder.predicting(echo.trainer.schema(), type, Echo.REST))
                    .getMessage();
            assertTrue(message.contains("a number for of_int64 int64[1]") && message.contains("of_int64 is "), message);
        }
        String unknown = assertThrows(
                        IllegalArgumentException.class,
                        () -> FieldEncoder.predicting(
                                echo.trainer.schema(), TypeInformation.of(GenericRecord.class), Echo.REST))
                .getMessage();
        assertTrue(unknown.contains("new GenericRecordAvroTypeInfo(schema)"), unknown);
    }

    @Test
    void withoutAvroEverythingElseWorks() throws Exception {
        List<URL> path = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(":")) {
            if (!entry.contains("avro") && !entry.contains("flink-table")) {
                path.add(new java.io.File(entry).toURI().toURL());
            }
        }
        try (URLClassLoader loader = new URLClassLoader(path.toArray(new URL[0]), ClassLoader.getPlatformClassLoader())) {
            assertThrows(ClassNotFoundException.class, () -> loader.loadClass("org.apache.avro.Schema"));
            Class<?> probe = loader.loadClass(WithoutAvro.class.getName());
            Object names = probe.getMethod("names").invoke(null);
            assertFalse(names.toString().isEmpty());
            assertEquals("[distance, hour, id, late, minutes, seats, wind][a]", names);
        }
    }

    /** Runs where Avro and Flink's tables are not. */
    public static final class WithoutAvro {
        private WithoutAvro() {}

        public static String names() {
            return RecordFields.of(TypeInformation.of(Flight.class), Fields.named()).names()
                    + RecordFields.of(Types.ROW_NAMED(new String[] {"a"}, Types.LONG), Fields.named()).names().toString();
        }
    }
}
