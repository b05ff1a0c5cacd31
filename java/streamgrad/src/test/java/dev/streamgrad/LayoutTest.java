package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class LayoutTest {
    private final Schema schema = new Schemas()
            .feature("numbers", "float32", new int[] {3}, "a", "b", "c")
            .feature("name", "string", new int[] {}, "name")
            .label("late", "float32", 0, 1)
            .output("probability", "float32", 1)
            .make();

    @Test
    void columnsBeginAtMultiplesOf64() {
        Layout layout = new Layout(schema.columns(), 6);
        assertEquals(0, layout.offset(0)); // 72 bytes
        assertEquals(128, layout.offset(1)); // 48 bytes
        assertEquals(192, layout.offset(2)); // 24 bytes
        assertEquals(256, layout.bytes());
    }

    @Test
    void aRaggedRowHasOneSlotWhateverItsValues() {
        Schema rows = new Schemas().ragged("bits", "bool").ragged("ids", "int64").ragged("words", "string").make();
        Layout layout = new Layout(rows.columns(), 9);
        assertEquals(128, layout.offset(1)); // 72 bytes
        assertEquals(256, layout.offset(2));
        assertEquals(384, layout.bytes());
    }

    @Test
    void memoryIsAlignedAndLargeEnough() {
        for (int bytes : new int[] {0, 1, 63, 64, 65, 4096, 4097}) {
            ByteBuffer block = Layout.allocate(bytes);
            assertTrue(block.isDirect());
            assertEquals(Math.max(64, (bytes + 63) / 64 * 64), block.capacity());
            assertEquals(0, block.alignmentOffset(0, Layout.ALIGNMENT));
            assertEquals(ByteOrder.LITTLE_ENDIAN, block.order());
        }
    }

    @Test
    void moreThanABufferHoldsIsRefused() {
        InvalidInputException e =
                assertThrows(InvalidInputException.class, () -> new Layout(schema.columns(), Integer.MAX_VALUE));
        assertTrue(e.getMessage().contains("fewer rows"), e.getMessage());
    }
}
