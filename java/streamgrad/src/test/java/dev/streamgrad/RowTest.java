package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RowTest {
    /** Sets the field {@code x} of a batch with this one feature, and returns the bytes of its row. */
    private static byte[] encoded(String dtype, int[] shape, Consumer<Row> set) {
        Batch batch = new Batch(
                new Schemas().feature("x", dtype, shape, "x").output("y", "float32", 1).make(), 1);
        batch.add(set);
        byte[] row = new byte[batch.schema().columns().get(0).rowBytes()];
        batch.slab().duplicate().get(row);
        return row;
    }

    private static byte[] encoded(String dtype, Consumer<Row> set) {
        return encoded(dtype, new int[] {}, set);
    }

    private static String refused(String dtype, Consumer<Row> set) {
        return assertThrows(InvalidInputException.class, () -> encoded(dtype, set)).getMessage();
    }

    @ParameterizedTest
    @CsvSource({
        "int8, -128, 127", "int16, -32768, 32767", "int32, -2147483648, 2147483647",
        "uint8, 0, 255", "uint16, 0, 65535", "uint32, 0, 4294967295", "bool, 0, 1",
    })
    void integersAreTakenWithinTheirRange(String dtype, long lowest, long highest) {
        for (long value : new long[] {lowest, highest}) {
            byte[] row = encoded(dtype, r -> r.set("x", value));
            assertArrayEquals(row, encoded(dtype, r -> r.set("x", (double) value)));
            assertEquals((byte) value, row[0]);
        }
        for (long value : new long[] {lowest - 1, highest + 1}) {
            String message = refused(dtype, r -> r.set("x", value));
            assertTrue(message.endsWith("does not fit " + dtype + ": x is " + value), message);
        }
        assertTrue(refused(dtype, r -> r.set("x", 0.5)).endsWith("does not fit " + dtype + ": x is 0.5"));
    }

    @Test
    void wideIntegersAreTakenWithinTheirRange() {
        byte[] least = encoded("int64", r -> r.set("x", Long.MIN_VALUE));
        assertArrayEquals(least, encoded("int64", r -> r.set("x", -0x1p63)));
        refused("int64", r -> r.set("x", 0x1p63));
        refused("int64", r -> r.set("x", new BigInteger("9223372036854775808")));
        assertArrayEquals(least, encoded("int64", r -> r.set("x", BigInteger.valueOf(Long.MIN_VALUE))));
        refused("uint64", r -> r.set("x", -1));
        encoded("uint64", r -> r.set("x", Long.MAX_VALUE));
    }

    @Test
    void floatsAreRoundedToTheNearest() {
        byte[] tenth = encoded("float32", r -> r.set("x", 0.1));
        assertArrayEquals(tenth, encoded("float32", r -> r.set("x", 0.1f)));
        assertArrayEquals(tenth, encoded("float32", r -> r.set("x", Float.valueOf(0.1f))));
        encoded("float32", r -> r.set("x", 16777217));
        String message = refused("float32", r -> r.set("x", 1e39));
        assertTrue(message.endsWith("too large for float32: x is 1.0E39"), message);
        encoded("float64", r -> r.set("x", 1e39));
    }

    @ParameterizedTest
    @ValueSource(strings = {"float32", "float64", "int32", "bool"})
    void nothingTakesNanOrInfinity(String dtype) {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            String message = refused(dtype, r -> r.set("x", bad));
            assertTrue(message.endsWith("has to be finite: x is " + bad), message);
            refused(dtype, r -> r.set("x", new float[] {(float) bad}));
            refused(dtype, r -> r.set("x", Double.valueOf(bad)));
        }
    }

    @Test
    void truthIsZeroOrOne() {
        assertArrayEquals(new byte[] {1}, encoded("bool", r -> r.set("x", true)));
        assertArrayEquals(encoded("float32", r -> r.set("x", 1)), encoded("float32", r -> r.set("x", true)));
        assertArrayEquals(encoded("int64", r -> r.set("x", 0)), encoded("int64", r -> r.set("x", Boolean.FALSE)));
    }

    @Test
    void stringsAreBytes() {
        assertEquals(3, encoded("string", r -> r.set("x", "日"))[4]);
        assertEquals(2, encoded("string", r -> r.set("x", new byte[] {(byte) 0xFF, 0}))[4]);
        assertEquals(0, encoded("string", r -> r.set("x", ""))[4]);
        assertEquals(1, encoded("string", r -> r.set("x", (Object) new StringBuilder("a")))[4]);
        assertTrue(refused("string", r -> r.set("x", 3)).contains("takes a String or a byte[]"));
        assertTrue(refused("float32", r -> r.set("x", "3")).contains("takes numbers, not a string"));
        assertTrue(refused("string", r -> r.set("x", "half \uD83D")).contains("not valid UTF-16"));
    }

    @Test
    void arraysFillAFieldThatHoldsTheRow() {
        int[] shape = {2, 2};
        byte[] row = encoded("float32", shape, r -> r.set("x", new float[] {1, 2, 3, 4}));
        assertArrayEquals(row, encoded("float32", shape, r -> r.set("x", new double[] {1, 2, 3, 4})));
        assertArrayEquals(row, encoded("float32", shape, r -> r.set("x", new int[] {1, 2, 3, 4})));
        assertArrayEquals(row, encoded("float32", shape, r -> r.set("x", new long[] {1, 2, 3, 4})));
        assertArrayEquals(row, encoded("float32", shape, r -> r.set("x", List.of(1, 2L, 3f, 4.0))));
        assertArrayEquals(row, encoded("float32", shape, r -> r.set("x", (Object) new Integer[] {1, 2, 3, 4})));
        assertArrayEquals(row, encoded("float32", shape, r -> r.set("x", (Object) new float[] {1, 2, 3, 4})));
        assertArrayEquals(new byte[] {1, -1, 0, 3}, encoded("uint8", shape, r -> r.set("x", new byte[] {1, -1, 0, 3})));
        assertArrayEquals(new byte[] {1, -1, 0, 3}, encoded("int8", shape, r -> r.set("x", new byte[] {1, -1, 0, 3})));
        InvalidInputException e = assertThrows(
                InvalidInputException.class, () -> encoded("float32", shape, r -> r.set("x", new float[] {1, 2, 3})));
        assertTrue(e.getMessage().endsWith("takes 4 values, not 3: x"), e.getMessage());
        e = assertThrows(InvalidInputException.class, () -> encoded("float32", shape, r -> r.set("x", 1)));
        assertTrue(e.getMessage().endsWith("takes 4 values, not 1: x"), e.getMessage());
    }

    @Test
    void whatMayBeMissingMayBeLeftOut() {
        Schema schema = new Schemas()
                .optional("x", "float32", new int[] {2}, "x0", "x1")
                .optional("pair", "float64", new int[] {2}, "pair")
                .optional("word", "string", new int[] {}, "word")
                .output("y", "float32", 1)
                .make();
        assertTrue(schema.columns().get(0).optional());
        Batch batch = new Batch(schema, 3);
        batch.add(r -> r.set("x0", 1).set("x1", 2).set("pair", List.of(3, 4)).set("word", "a"));
        batch.clear();
        batch.add(r -> r.set("x1", 2).set("pair", Arrays.asList(3, null)));
        batch.add(r -> r.set("x0", Double.NaN).set("x1", (Object) null).set("word", (String) null));
        batch.add(r -> r.set("x0", 1).set("x0", (Object) null).set("pair", new double[] {1, Double.NaN}));
        ByteBuffer slab = batch.slab();
        int[] at = {0, 1, 2};
        for (int i = 0; i < at.length; i++) {
            at[i] = batch.layout().offset(i);
        }
        float[] x = new float[6];
        double[] pairs = new double[6];
        for (int i = 0; i < 6; i++) {
            x[i] = slab.getFloat(at[0] + 4 * i);
            pairs[i] = slab.getDouble(at[1] + 8 * i);
            assertEquals(0, slab.getInt(at[2] + 8 * (i / 2) + 4));
        }
        assertArrayEquals(new float[] {Float.NaN, 2, Float.NaN, Float.NaN, Float.NaN, Float.NaN}, x);
        assertArrayEquals(new double[] {3, Double.NaN, Double.NaN, Double.NaN, 1, Double.NaN}, pairs);
        batch.clear();
        for (double infinity : new double[] {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            String message = assertThrows(InvalidInputException.class, () -> batch.add(r -> r.set("x0", infinity)))
                    .getMessage();
            assertTrue(message.contains("a value has to be finite: x0"), message);
        }
        assertTrue(refused("float32", r -> r.set("x", (Object) null)).contains("a feature needs a value, not null"));
    }

    @Test
    void whatNobodyCanMapIsNamed() {
        assertTrue(refused("float32", r -> r.set("x", new Object())).endsWith("x is java.lang.Object"));
        assertTrue(refused("float32", r -> r.set("x", Arrays.asList((Object) null))).endsWith("x is null"));
        assertTrue(refused("float32", r -> r.set("y", 1)).endsWith("no field y"));
        assertTrue(refused("float32", r -> r.set(1, 1)).endsWith("not index 1"));
        assertTrue(refused("float32", r -> r.set(-1, new byte[0])).endsWith("not index -1"));
    }

    @Test
    void aLabelStaysWithinWhatTheLossAllows() {
        Batch batch = new Batch(
                new Schemas()
                        .feature("x", "float32", new int[] {}, "x")
                        .label("class", "int64", 0, 9)
                        .weight("w")
                        .output("y", "float32", 10)
                        .make(),
                4);
        batch.add(row -> row.set("x", 1).set("class", 9).set("w", 0));
        for (Consumer<Row> bad : List.<Consumer<Row>>of(
                row -> row.set("class", 10), row -> row.set("class", -1), row -> row.set("class", 10.0))) {
            InvalidInputException e = assertThrows(InvalidInputException.class, () -> batch.add(bad));
            assertTrue(e.getMessage().contains("labels from 0.0 to 9.0: class is"), e.getMessage());
        }
        assertThrows(InvalidInputException.class, () -> batch.add(row -> row.set("w", -1)));
        assertEquals(1, batch.rows());
    }
}
