package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDateTime;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Each type of Flink SQL fills what it can, exactly, and nothing else. */
final class RowDataTypesTest {
    private static Echo echo;

    @BeforeAll
    static void open() {
        echo = new Echo();
    }

    @AfterAll
    static void close() {
        echo.close();
    }

    private static InternalTypeInfo<RowData> column(String name, DataType type) {
        return InternalTypeInfo.of(DataTypes.ROW(DataTypes.FIELD(name, type)).getLogicalType());
    }

    private static Object read(String name, DataType type, Object value) {
        String column = name.equals("matrix") || name.equals("steps") ? name : "of_" + name;
        return echo.of(name, column(column, type), (RowData) GenericRowData.of(value));
    }

    @Test
    void numbersComeAsTheyAre() {
        assertEquals((byte) -3, read("int8", DataTypes.TINYINT(), (byte) -3));
        assertEquals((short) -300, read("int16", DataTypes.SMALLINT(), (short) -300));
        assertEquals(-70_000, read("int32", DataTypes.INT(), -70_000));
        assertEquals(Long.MIN_VALUE, read("int64", DataTypes.BIGINT(), Long.MIN_VALUE));
        assertEquals((short) 200, read("uint8", DataTypes.SMALLINT(), (short) 200));
        assertEquals(60_000, read("uint16", DataTypes.INT(), 60_000));
        assertEquals(4_000_000_000L, read("uint32", DataTypes.BIGINT(), 4_000_000_000L));
        assertEquals(0.1f, read("float32", DataTypes.FLOAT(), 0.1f));
        assertEquals(0.1, read("float64", DataTypes.DOUBLE(), 0.1));
        assertEquals(true, read("bool", DataTypes.BOOLEAN(), true));
        assertEquals(1L, read("int64", DataTypes.BOOLEAN(), true));
        DecimalData cents = DecimalData.fromBigDecimal(new BigDecimal("12.50"), 10, 2);
        assertEquals(12.5, read("float64", DataTypes.DECIMAL(10, 2), cents));
    }

    @Test
    void aDecimalFillsIntegersAsFarAsTheyReach() {
        BigDecimal largest = new BigDecimal("18446744073709551615");
        DataType type = DataTypes.DECIMAL(20, 0);
        assertEquals(largest, read("uint64", type, DecimalData.fromBigDecimal(largest, 20, 0)));
        BigDecimal odd = new BigDecimal("9007199254740993");
        assertEquals(odd.longValueExact(), read("int64", type, DecimalData.fromBigDecimal(odd, 20, 0)));
        assertThrows(RuntimeException.class, () -> read("int64", type, DecimalData.fromBigDecimal(largest, 20, 0)));
    }

    @Test
    void timesAreWholeNumbersOfTheirPrecision() {
        assertEquals(19_000, read("int32", DataTypes.DATE(), 19_000));
        assertEquals(3_661, read("int32", DataTypes.TIME(0), 3_661_500));
        assertEquals(3_661_500, read("int32", DataTypes.TIME(3), 3_661_500));
        TimestampData time = TimestampData.fromLocalDateTime(LocalDateTime.parse("2026-01-02T03:04:05.123456789"));
        long seconds = 1_767_323_045L;
        assertEquals(seconds, read("int64", DataTypes.TIMESTAMP(0), time));
        assertEquals(seconds * 1_000 + 123, read("int64", DataTypes.TIMESTAMP(3), time));
        assertEquals(seconds * 1_000_000 + 123_456, read("int64", DataTypes.TIMESTAMP(6), time));
        assertEquals(seconds * 1_000_000_000 + 123_456_789, read("int64", DataTypes.TIMESTAMP(9), time));
        TimestampData before = TimestampData.fromInstant(Instant.ofEpochSecond(-1, 750_000_000));
        assertEquals(-250L, read("int64", DataTypes.TIMESTAMP_LTZ(3), before));
        assertEquals(14, read("int32", DataTypes.INTERVAL(DataTypes.YEAR(), DataTypes.MONTH()), 14));
        assertEquals(90_000L, read("int64", DataTypes.INTERVAL(DataTypes.DAY(), DataTypes.SECOND(3)), 90_000L));
        GenericArrayData days = new GenericArrayData(new int[] {1, 2, 3});
        assertArrayEquals(
                new BigDecimal[] {new BigDecimal(1), new BigDecimal(2), new BigDecimal(3)},
                (Object[]) read("steps", DataTypes.ARRAY(DataTypes.DATE()), days));
        TimestampData late = TimestampData.fromLocalDateTime(LocalDateTime.parse("2400-01-01T00:00:00"));
        String beyond = assertThrows(
                        RuntimeException.class, () -> read("int64", DataTypes.TIMESTAMP(9), late))
                .getMessage();
        assertTrue(beyond.contains("declare fewer digits"), beyond);
    }

    @Test
    void arraysFillShapes() {
        GenericArrayData row = new GenericArrayData(new double[] {1, 2, 3});
        GenericArrayData other = new GenericArrayData(new double[] {4, 5, 6});
        double[][] matrix = {{1, 2, 3}, {4, 5, 6}};
        DataType nested = DataTypes.ARRAY(DataTypes.ARRAY(DataTypes.DOUBLE()));
        assertArrayEquals(matrix, (double[][]) read("matrix", nested, new GenericArrayData(new Object[] {row, other})));
        GenericArrayData flat = new GenericArrayData(new double[] {1, 2, 3, 4, 5, 6});
        assertArrayEquals(matrix, (double[][]) read("matrix", DataTypes.ARRAY(DataTypes.DOUBLE()), flat));
        GenericArrayData decimals = new GenericArrayData(new Object[] {
            DecimalData.fromUnscaledLong(1, 10, 0), DecimalData.fromUnscaledLong(2, 10, 0), DecimalData.fromUnscaledLong(3, 10, 0)
        });
        Object[] steps = (Object[]) read("steps", DataTypes.ARRAY(DataTypes.DECIMAL(10, 0)), decimals);
        assertArrayEquals(new Object[] {BigDecimal.valueOf(1), BigDecimal.valueOf(2), BigDecimal.valueOf(3)}, steps);
        GenericArrayData tall = new GenericArrayData(new Object[] {row, other, row});
        String length = assertThrows(RuntimeException.class, () -> read("matrix", nested, tall)).getMessage();
        assertTrue(length.contains("another length than the model's 2 in dimension 0: 3"), length);
    }

    @Test
    void stringsAndBytesAreOne() {
        Object answer = echo.answer(column("text", DataTypes.STRING()), GenericRowData.of(StringData.fromString("UA")));
        assertEquals(answer, echo.answer(column("text", DataTypes.CHAR(2)), GenericRowData.of(StringData.fromString("UA"))));
        byte[] bytes = {'U', 'A'};
        assertEquals(answer, echo.answer(column("text", DataTypes.BYTES()), GenericRowData.of(bytes)));
        assertEquals(answer, echo.answer(column("text", DataTypes.BINARY(2)), GenericRowData.of(bytes)));
    }

    private static String refusal(String field, DataType type) {
        InternalTypeInfo<RowData> record = column(field, type);
        return assertThrows(
                        IllegalArgumentException.class,
                        () -> FieldEncoder.predicting(echo.trainer.schema(), record, Echo.REST))
                .getMessage();
    }

    @Test
    void whatCannotFitIsNamedWithFieldAndBothTypes() {
        String text = refusal("of_int64", DataTypes.STRING());
        assertTrue(text.contains("needs a number for of_int64 int64[1]") && text.contains("of_int64 is STRING"), text);
        String time = refusal("of_float32", DataTypes.TIMESTAMP(3));
        assertTrue(time.contains("of_float32 is TIMESTAMP(3)"), time);
        for (DataType type : new DataType[] {
            DataTypes.MAP(DataTypes.STRING(), DataTypes.INT()),
            DataTypes.MULTISET(DataTypes.INT()),
            DataTypes.ROW(DataTypes.FIELD("a", DataTypes.INT())),
            DataTypes.ARRAY(DataTypes.ARRAY(DataTypes.INT()))
        }) {
            assertTrue(refusal("of_int64", type).contains("of_int64 is "), type.toString());
            assertTrue(refusal("text", type).contains("needs a string or bytes for text string[1]"), type.toString());
        }
        String scalar = refusal("matrix", DataTypes.DOUBLE());
        assertTrue(scalar.contains("needs 6 values, an array or list,") && scalar.contains("matrix is DOUBLE"), scalar);
        assertTrue(refusal("matrix", DataTypes.BYTES()).contains("matrix is BYTES"));
    }
}
