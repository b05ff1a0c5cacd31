package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.InvalidInputException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.runtime.typeutils.ExternalTypeInfo;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Records of objects: which field is whose, what stands for one that is not there, and what Java's types fill. */
final class FieldsTest {
    private static Echo echo;

    @BeforeAll
    static void open() {
        echo = new Echo();
    }

    @AfterAll
    static void close() {
        echo.close();
    }

    /** Where a flight goes. */
    enum Direction {
        EAST,
        WEST
    }

    /** Java's types of dates, times, names and lists. */
    public static class Times {
        public LocalDate of_int32 = LocalDate.ofEpochDay(19_000);
        public Instant of_int64 = Instant.ofEpochSecond(3, 5);
        public LocalTime of_uint32 = LocalTime.ofNanoOfDay(4_000_000_000L);
        public LocalDateTime of_uint64 = LocalDateTime.parse("1970-01-01T00:00:01.000000002");
        public Direction text = Direction.WEST;
        public List<List<Float>> matrix = List.of(List.of(1f, 2f, 3f), List.of(4f, 5f, 6f));
        public Duration[] steps = {Duration.ofNanos(1), Duration.ofNanos(2), Duration.ofNanos(3)};
    }

    @Test
    void objectsOfJavaTimeAndEnumsAreRead() {
        TypeInformation<Times> type = TypeInformation.of(Times.class);
        Times times = new Times();
        assertEquals(19_000, echo.of("int32", type, times));
        assertEquals(3_000_000_005L, echo.of("int64", type, times));
        assertEquals(4_000_000_000L, echo.of("uint32", type, times));
        assertEquals(BigDecimal.valueOf(1_000_000_002), echo.of("uint64", type, times));
        assertArrayEquals(new double[][] {{1, 2, 3}, {4, 5, 6}}, (double[][]) echo.of("matrix", type, times));
        assertEquals(BigDecimal.valueOf(3), ((Object[]) echo.of("steps", type, times))[2]);
        TypeInformation<Row> named = Types.ROW_NAMED(new String[] {"text"}, Types.STRING);
        assertEquals(echo.answer(named, Row.of("WEST")), echo.answer(type, times));
    }

    @Test
    void aRowOfTheTableApiHasTheUnitsThatItDeclares() {
        TypeInformation<Row> type = ExternalTypeInfo.of(DataTypes.ROW(
                DataTypes.FIELD("of_int64", DataTypes.TIMESTAMP_LTZ(3)), DataTypes.FIELD("of_int32", DataTypes.TIME(0))));
        Row row = Row.of(Instant.ofEpochMilli(1_500), LocalTime.ofSecondOfDay(61));
        assertEquals(1_500L, echo.of("int64", type, row));
        assertEquals(61, echo.of("int32", type, row));
    }

    @Test
    void positionsOfTuplesAndRowsTakeNames() {
        TypeInformation<Tuple2<Long, Double>> tuple = Types.TUPLE(Types.LONG, Types.DOUBLE);
        Fields names = with(Fields.positions("of_int64", "of_float64"));
        assertEquals(7L, echo.of("int64", tuple, Tuple2.of(7L, 0.5), names));
        assertEquals(0.5, echo.of("float64", tuple, Tuple2.of(7L, 0.5), names));
        assertEquals(7L, echo.of("int64", TypeInformation.of(Row.class), Row.of(7L, 0.5), names));
        assertEquals(7L, echo.of("int64", Types.ROW(Types.LONG, Types.DOUBLE), Row.of(7L, 0.5), names));
        assertRefused("name each of the record's 2 positions", tuple, Fields.positions("of_int64"));
        assertRefused("only a Row's or tuple's fields have positions", TypeInformation.of(Times.class), names);
        assertRefused(
                "of_int64 is java.lang.String",
                Types.TUPLE(Types.STRING, Types.DOUBLE),
                with(Fields.positions("of_int64", "of_float64")));
        assertThrows(IllegalArgumentException.class, () -> Fields.positions("a", "a"));
    }

    @Test
    void anotherNameIsSaidOnce() {
        TypeInformation<Row> type = Types.ROW_NAMED(new String[] {"n", "words"}, Types.LONG, Types.STRING);
        assertEquals(9L, echo.of("int64", type, Row.of(9L, ""), Echo.REST.rename("of_int64", "n")));
        assertRefused("words (for the model's of_int64) is", type, Echo.REST.rename("of_int64", "words"));
        assertRefused("Fields names what the bundle does not have", type, Fields.named().rename("of_int65", "n"));
    }

    @Test
    void aDefaultStandsForNullAndForWhatIsNotThere() {
        TypeInformation<Row> type = Types.ROW_NAMED(new String[] {"of_int64"}, Types.LONG);
        assertEquals(5L, echo.of("int64", type, Row.of((Object) null), Echo.REST.orElse("of_int64", 5)));
        assertEquals(6L, echo.of("int64", type, Row.of(6L), Echo.REST.orElse("of_int64", 5)));
        Object steps = echo.of("steps", type, Row.of(6L), Echo.REST.orElse("steps", 4));
        assertEquals(List.of(BigDecimal.valueOf(4), BigDecimal.valueOf(4), BigDecimal.valueOf(4)), Arrays.asList((Object[]) steps));
        steps = echo.of("steps", type, Row.of(6L), Echo.REST.orElse("steps", new long[] {1, 2, 3}));
        assertEquals(BigDecimal.valueOf(2), ((Object[]) steps)[1]);
        assertRefused("the default", type, Echo.REST.orElse("steps", "many"));
        Fields needed = with(Fields.named()).orElse("of_float64", 0.0);
        TypeInformation<Row> nullable = Types.ROW_NAMED(new String[] {"of_int64"}, Types.LONG);
        String none = assertThrows(
                        InvalidInputException.class, () -> echo.of("int64", nullable, Row.of((Object) null), needed))
                .getMessage();
        assertTrue(none.contains("a feature needs a value, not null: of_int64"), none);
    }

    /** With defaults for all but {@code of_int64} and {@code of_float64}. */
    private static Fields with(Fields fields) {
        for (String name : List.of("float32", "int8", "int16", "int32", "uint8", "uint16", "uint32", "uint64")) {
            fields = fields.orElse("of_" + name, 0);
        }
        return fields.orElse("of_bool", false).orElse("matrix", 0.0).orElse("steps", 0).orElse("text", "");
    }

    @Test
    void anEncoderHasNoFields() {
        Encoder<Object> encoder = (record, row) -> {};
        Fields.named().check(encoder);
        assertThrows(IllegalArgumentException.class, () -> Fields.named().rename("hour", "h").check(encoder));
        assertThrows(IllegalArgumentException.class, () -> Fields.positions("hour").check(encoder));
    }

    private static void assertRefused(String reason, TypeInformation<?> type, Fields fields) {
        String message = assertThrows(
                        IllegalArgumentException.class,
                        () -> FieldEncoder.predicting(echo.trainer.schema(), type, fields))
                .getMessage();
        assertTrue(message.contains(reason), message);
    }
}
