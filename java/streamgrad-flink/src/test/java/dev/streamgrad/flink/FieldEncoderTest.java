package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.Batch;
import dev.streamgrad.InvalidInputException;
import dev.streamgrad.Predictions;
import dev.streamgrad.Trainer;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.BooleanType;
import org.apache.flink.table.types.logical.DecimalType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.SmallIntType;
import org.apache.flink.table.types.logical.TimestampType;
import org.apache.flink.table.types.logical.TinyIntType;
import org.apache.flink.table.types.logical.VarBinaryType;
import org.apache.flink.table.types.logical.VarCharType;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Records of every kind give the same rows, and what cannot be mapped says so. */
final class FieldEncoderTest {
    private static Trainer flights;
    private static Trainer outcomes;

    @BeforeAll
    static void open() {
        flights = Trainer.open(Path.of(Bundles.flights()));
        outcomes = Trainer.open(Path.of(Bundles.outcomes()));
    }

    @AfterAll
    static void close() {
        flights.close();
        outcomes.close();
    }

    /** Getters only, in three styles; the class is not public. */
    static class Getters {
        public float getHour() {
            return 0.5f;
        }

        public Double distance() {
            return 0.25;
        }

        public BigDecimal getSeats() {
            return new BigDecimal(2);
        }

        public boolean isWind() {
            return true;
        }

        public boolean getLate() {
            return true;
        }
    }

    /** As {@link Getters} by public fields. */
    public static class Plain {
        public float hour = 0.5f;
        public Object distance = 0.25;
        public short seats = 2;
        public long wind = 1;
        public boolean late = true;
    }

    /** Everything the outcomes model wants. */
    public static class Outcome extends Plain {
        public String carrier = "UA";
        public List<Double> weather = List.of(0.1, 0.2, 0.3);
        public Integer gate_number = 2;
        public Float was_late = 1f;
    }

    private static <T> Batch encoded(Trainer trainer, TypeInformation<T> type, T record) {
        FieldEncoder<T> encoder = FieldEncoder.learning(trainer.schema(), type, Fields.named());
        Batch batch = trainer.newBatch(1);
        batch.add(record, encoder::encode);
        return batch;
    }

    private static <T> float predicted(TypeInformation<T> type, T record) {
        return flights.predict(encoded(flights, type, record)).value(0);
    }

    private static float expected() {
        Batch batch = flights.newBatch(1);
        batch.add(row -> row.set("hour", 0.5).set("distance", 0.25).set("seats", 2).set("wind", 1));
        return flights.predict(batch).value(0);
    }

    @Test
    void classesAreReadByFieldAndGetter() {
        assertEquals(expected(), predicted(TypeInformation.of(Plain.class), new Plain()));
        assertEquals(expected(), predicted(TypeInformation.of(Getters.class), new Getters()));
        assertEquals(0, encoded(flights, TypeInformation.of(Getters.class), new Getters()).unlabelledRows());
    }

    @Test
    void javaRecordsAreReadByComponent() throws Exception {
        Class<?> type = Compiled.load("Departure", "public record Departure"
                + "(float hour, double distance, int seats, long wind, Boolean late) {}");
        Object record = type.getConstructors()[0].newInstance(0.5f, 0.25, 2, 1L, null);
        @SuppressWarnings("unchecked")
        TypeInformation<Object> information = (TypeInformation<Object>) TypeInformation.of(type);
        assertEquals(expected(), predicted(information, record));
        assertEquals(1, encoded(flights, information, record).unlabelledRows());
    }

    @Test
    void rowsAreReadByNameWhereverTheNamesAre() {
        TypeInformation<Row> named = Types.ROW_NAMED(
                new String[] {"late", "wind", "seats", "distance", "hour"},
                Types.INT,
                Types.LONG,
                Types.SHORT,
                Types.DOUBLE,
                Types.FLOAT);
        assertEquals(expected(), predicted(named, Row.of(1, 1L, (short) 2, 0.25, 0.5f)));
        Row row = Row.withNames(RowKind.INSERT);
        Map.of("late", 1, "wind", 1L, "seats", 2, "distance", 0.25, "hour", 0.5).forEach(row::setField);
        assertEquals(expected(), predicted(TypeInformation.of(Row.class), row));
        assertThrows(IllegalArgumentException.class, () -> predicted(TypeInformation.of(Row.class), Row.of(1, 2)));
    }

    private static InternalTypeInfo<RowData> rowType(String[] names, LogicalType... types) {
        return InternalTypeInfo.ofFields(types, names);
    }

    @Test
    void internalRowsAreReadByName() {
        InternalTypeInfo<RowData> type = rowType(
                new String[] {"hour", "distance", "seats", "wind", "late"},
                new FloatType(),
                new DoubleType(),
                new DecimalType(10, 2),
                new IntType(),
                new IntType());
        RowData landed = GenericRowData.of(0.5f, 0.25, DecimalData.fromBigDecimal(new BigDecimal("2.00"), 10, 2), 1, 1);
        assertEquals(expected(), predicted(type, landed));
        RowData departing = GenericRowData.of(0.5f, 0.25, DecimalData.fromUnscaledLong(200, 10, 2), 1, null);
        assertEquals(1, encoded(flights, type, departing).unlabelledRows());
        RowData broken = GenericRowData.of(null, 0.25, DecimalData.fromUnscaledLong(200, 10, 2), 1, 1);
        assertThrows(InvalidInputException.class, () -> predicted(type, broken));
    }

    @Test
    void stringsAndVectorsAreReadFromEveryKind() {
        Outcome outcome = new Outcome();
        Predictions expected = outcomes.predict(encoded(outcomes, TypeInformation.of(Outcome.class), outcome));
        InternalTypeInfo<RowData> type = rowType(
                new String[] {"hour", "distance", "seats", "wind", "carrier", "weather", "gate_number", "was_late"},
                new FloatType(),
                new DoubleType(),
                new IntType(),
                new IntType(),
                VarCharType.STRING_TYPE,
                new ArrayType(new DoubleType()),
                new IntType(),
                new IntType());
        RowData row = GenericRowData.of(
                0.5f, 0.25, 2, 1, StringData.fromString("UA"), new GenericArrayData(new double[] {0.1, 0.2, 0.3}), 2, 1);
        assertArrayEquals(
                expected.output("gate").row(0),
                outcomes.predict(encoded(outcomes, type, row)).output("gate").row(0));
    }

    /** Any number of values in arrays and lists of every kind. */
    public static class Ragged {
        public float[] of_float32 = {0.5f, 1.5f};
        public List<Double> of_float64 = List.of(0.25);
        public byte[] of_int8 = {-1, 3};
        public short[] of_int16 = {300};
        public int[] of_int32 = {};
        public Long[] of_int64 = {1L << 33, -(1L << 33), 5L};
        public byte[] of_uint8 = {(byte) 200};
        public Object of_uint16 = List.of(60000);
        public Integer of_uint32 = 9;
        public long of_uint64 = 4;
        public boolean[] of_bool = {true, false};
        public CharSequence[] of_string = {"Ü", "", "four"};
        public double value = 1;
    }

    /** {@link Ragged} as a row that SQL hands over. */
    private static final String[] RAGGED_NAMES = {
        "of_float32", "of_float64", "of_int8", "of_int16", "of_int32", "of_int64", "of_uint8", "of_uint16", "of_uint32",
        "of_uint64", "of_bool", "of_string", "value"
    };

    private static GenericRowData raggedRow() {
        StringData[] words = {StringData.fromString("Ü"), StringData.fromString(""), StringData.fromString("four")};
        return GenericRowData.of(
                new GenericArrayData(new float[] {0.5f, 1.5f}),
                new GenericArrayData(new double[] {0.25}),
                new GenericArrayData(new byte[] {-1, 3}),
                new GenericArrayData(new short[] {300}),
                new GenericArrayData(new int[0]),
                new GenericArrayData(new Long[] {1L << 33, -(1L << 33), 5L}),
                new byte[] {(byte) 200},
                new GenericArrayData(new int[] {60000}),
                new GenericArrayData(new long[] {9}),
                4L,
                new GenericArrayData(new boolean[] {true, false}),
                new GenericArrayData(words),
                1.0);
    }

    private static LogicalType[] raggedTypes() {
        return new LogicalType[] {
            new ArrayType(new FloatType()),
            new ArrayType(new DoubleType()),
            new ArrayType(new TinyIntType()),
            new ArrayType(new SmallIntType()),
            new ArrayType(new IntType()),
            new ArrayType(new BigIntType()),
            new VarBinaryType(9),
            new ArrayType(new IntType()),
            new ArrayType(new BigIntType()),
            new BigIntType(),
            new ArrayType(new BooleanType()),
            new ArrayType(VarCharType.STRING_TYPE),
            new DoubleType()
        };
    }

    @Test
    void anyNumberOfValuesIsReadFromEveryKind() {
        try (Trainer trainer = Trainer.open(Path.of(Bundles.everyRagged()))) {
            Batch direct = trainer.newBatch(1);
            direct.add(row -> row.set("of_float32", 2).set("of_float64", 0.25).set("of_int8", 2).set("of_int16", 300)
                    .set("of_int32", new int[0]).set("of_int64", 5).set("of_uint8", 200).set("of_uint16", 60000)
                    .set("of_uint32", 9).set("of_uint64", 4).set("of_bool", 1).set("of_string", "sixsix"));
            float expected = trainer.predict(direct).value(0);
            assertEquals(expected, trainer.predict(encoded(trainer, TypeInformation.of(Ragged.class), new Ragged())).value(0));
            InternalTypeInfo<RowData> type = rowType(RAGGED_NAMES, raggedTypes());
            assertEquals(expected, trainer.predict(encoded(trainer, type, raggedRow())).value(0));
            LogicalType[] binary = raggedTypes();
            binary[11] = new ArrayType(new VarBinaryType(9));
            GenericRowData bytes = raggedRow();
            bytes.setField(11, new GenericArrayData(new Object[] {new byte[6]}));
            assertEquals(expected, trainer.predict(encoded(trainer, rowType(RAGGED_NAMES, binary), bytes)).value(0));
            Row row = Row.withNames(RowKind.INSERT);
            Ragged ragged = new Ragged();
            for (java.lang.reflect.Field field : Ragged.class.getFields()) {
                try {
                    row.setField(field.getName(), field.get(ragged));
                } catch (IllegalAccessException e) {
                    throw new AssertionError(e);
                }
            }
            assertEquals(expected, trainer.predict(encoded(trainer, TypeInformation.of(Row.class), row)).value(0));
            GenericRowData hole = raggedRow();
            hole.setField(5, new GenericArrayData(new Long[] {1L, null}));
            assertTrue(assertThrows(IllegalArgumentException.class, () -> encoded(trainer, type, hole)).getMessage().contains("null"));
            GenericRowData missing = raggedRow();
            missing.setField(5, null);
            assertThrows(InvalidInputException.class, () -> encoded(trainer, type, missing));
        }
    }

    /** Words where numbers are wanted. */
    public static class Words extends Ragged {
        public String[] of_int64 = {"one"};
    }

    /** Numbers where words are wanted. */
    public static class Codes extends Ragged {
        public long[] of_string = {1};
    }

    @Test
    void valuesOfAnotherTypeAreNamedWhenTheJobStarts() {
        try (Trainer trainer = Trainer.open(Path.of(Bundles.everyRagged()))) {
            for (Class<?> wrong : new Class<?>[] {Words.class, Codes.class}) {
                String pojo = assertThrows(
                                IllegalArgumentException.class,
                                () -> FieldEncoder.learning(trainer.schema(), TypeInformation.of(wrong), Fields.named()))
                        .getMessage();
                assertTrue(pojo.contains("the model needs any number of "), pojo);
            }
            for (int at : new int[] {5, 11}) {
                LogicalType[] types = raggedTypes();
                types[at] = raggedTypes()[16 - at];
                String sql = assertThrows(
                                IllegalArgumentException.class,
                                () -> FieldEncoder.learning(trainer.schema(), rowType(RAGGED_NAMES, types), Fields.named()))
                        .getMessage();
                assertTrue(sql.contains(RAGGED_NAMES[at] + " is ARRAY<") && sql.contains("[ragged]"), sql);
            }
        }
    }

    @Test
    void anExampleBringsTheLabel() {
        TypeInformation<Example<Outcome>> type = new ExampleTypeInfo<>(TypeInformation.of(Outcome.class));
        Outcome outcome = new Outcome();
        assertEquals(1, encoded(outcomes, type, Example.unlabelled(outcome)).unlabelledRows());
        Example<Outcome> labelled = Example.labelled(outcome, Map.of("gate_number", 0, "was_late", 1));
        assertEquals(0, encoded(outcomes, type, labelled).unlabelledRows());
        String single = assertThrows(
                        IllegalArgumentException.class, () -> encoded(outcomes, type, Example.labelled(outcome, 1)))
                .getMessage();
        assertTrue(single.contains("give a map"), single);
        assertThrows(
                InvalidInputException.class,
                () -> encoded(outcomes, type, Example.labelled(outcome, Map.of("gate_number", 0))),
                "one label is missing");
        assertThrows(
                IllegalArgumentException.class,
                () -> encoded(
                        outcomes, type, Example.labelled(outcome, Map.of("gate_number", 0, "was_late", 1, "hour", 1))));
        TypeInformation<Example<Plain>> one = new ExampleTypeInfo<>(TypeInformation.of(Plain.class));
        assertEquals(0, encoded(flights, one, Example.labelled(new Plain(), 1)).unlabelledRows());
        assertThrows(InvalidInputException.class, () -> encoded(flights, one, Example.labelled(new Plain(), 7)));
    }

    @Test
    void aFieldThatTheRecordLacksIsNamedWhenTheJobStarts() {
        TypeInformation<Tuple2<Double, Integer>> tuple = Types.TUPLE(Types.DOUBLE, Types.INT);
        String message = assertThrows(
                        IllegalArgumentException.class, () -> FieldEncoder.learning(flights.schema(), tuple, Fields.named()))
                .getMessage();
        assertTrue(message.contains("f0, f1]"), message);
        assertTrue(message.contains("but not [hour, distance, seats, wind, late]"), message);
        InternalTypeInfo<RowData> unlabelled = rowType(
                new String[] {"hour", "distance", "seats", "wind"},
                new FloatType(),
                new FloatType(),
                new FloatType(),
                new FloatType());
        String label = assertThrows(
                        IllegalArgumentException.class, () -> FieldEncoder.learning(flights.schema(), unlabelled, Fields.named()))
                .getMessage();
        assertTrue(label.contains("awaitLabels"), label);
        assertFalse(FieldEncoder.predicting(flights.schema(), unlabelled, Fields.named()).isLabelled(GenericRowData.of(1f, 1f, 1f, 1f)));
    }

    /** A carrier that is no number. */
    public static class Misfit extends Plain {
        public String hour = "noon";
    }

    @Test
    void aFieldOfAnotherTypeIsNamedWhenTheJobStarts() {
        String pojo = assertThrows(
                        IllegalArgumentException.class,
                        () -> FieldEncoder.learning(flights.schema(), TypeInformation.of(Misfit.class), Fields.named()))
                .getMessage();
        assertTrue(pojo.contains("the model needs a number") && pojo.contains("hour is java.lang.String"), pojo);
        InternalTypeInfo<RowData> type = rowType(
                new String[] {"hour", "distance", "seats", "wind", "late"},
                new TimestampType(),
                new FloatType(),
                new FloatType(),
                new FloatType(),
                new FloatType());
        String sql = assertThrows(IllegalArgumentException.class, () -> FieldEncoder.learning(flights.schema(), type, Fields.named()))
                .getMessage();
        assertTrue(sql.contains("hour is TIMESTAMP"), sql);
    }
}
