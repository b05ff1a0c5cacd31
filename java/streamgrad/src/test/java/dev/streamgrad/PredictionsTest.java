package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class PredictionsTest {
    /** Two rows. */
    private static Predictions predictions(Schema schema, long version, ByteBuffer source) {
        Layout layout = new Layout(schema.outputs(), 2);
        byte[] data = new byte[layout.bytes()];
        source.get(data);
        return new Predictions(schema, layout, new VersionId(11, version), data);
    }

    @Test
    void oneScalarOutputIsANumber() {
        Schema schema = new Schemas().output("p", "float32", 1).make();
        ByteBuffer source = Layout.allocate(64);
        source.putFloat(0, 0.25f).putFloat(4, 0.5f);
        Predictions predictions = predictions(schema, 7, source);
        assertEquals(0.25f, predictions.value(0));
        assertEquals(0.5f, predictions.value(1));
        assertArrayEquals(new float[] {0.5f}, predictions.row(1));
        assertEquals(7, predictions.version());
        assertEquals("000000000000000b-7", predictions.versionId().toString());
        assertEquals(2, predictions.rows());
        for (int row : new int[] {-1, 2}) {
            assertTrue(assertThrows(InvalidInputException.class, () -> predictions.value(row))
                    .getMessage()
                    .contains("no row " + row));
        }
    }

    @Test
    void severalOutputsAreTakenByName() {
        Schema schema = new Schemas()
                .output("a", "float32", 3)
                .output("b", "int64", 1)
                .output("c", "float64", 1)
                .output("d", "uint64", 1)
                .make();
        ByteBuffer source = Layout.allocate(new Layout(schema.outputs(), 2).bytes());
        source.putFloat(12, 1f).putFloat(16, 2f).putFloat(20, 3f);
        source.putLong(64 + 8, Long.MAX_VALUE);
        source.putDouble(128, 0.1);
        source.putLong(192, -1);
        Predictions predictions = predictions(schema, 1, source);
        assertArrayEquals(new float[] {1, 2, 3}, predictions.output("a").row(1));
        assertEquals(3f, predictions.output("a").value(1, 2));
        assertEquals(Long.MAX_VALUE, predictions.output("b").longValue(1, 0));
        assertEquals(0.1, predictions.output("c").doubleValue(0, 0));
        assertEquals(0x1p64, predictions.output("d").doubleValue(0, 0));
        assertThrows(InvalidInputException.class, () -> predictions.value(0));
        assertThrows(InvalidInputException.class, () -> predictions.output("a").value(0));
        assertThrows(InvalidInputException.class, () -> predictions.output("a").value(0, 3));
        assertThrows(InvalidInputException.class, () -> predictions.output("c").longValue(0, 0));
        assertTrue(assertThrows(InvalidInputException.class, () -> predictions.output("e"))
                .getMessage()
                .endsWith("no output e"));
    }
}
