package dev.streamgrad;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Where columns lie in one block of memory: each begins at a multiple of 64 bytes, for a fixed number of rows.
 *
 * <p>The Rust side, {@code src/jvm/layout.rs}, computes the same from the same schema. Immutable.
 */
final class Layout {
    static final int ALIGNMENT = 64;
    /** A pair of int: of a string offset and length in the heap, of a ragged row offset and number of its values. */
    static final int SLOT = 2 * Integer.BYTES;
    /** The largest block: what a ByteBuffer can address, less the room to align it. */
    static final int MOST_BYTES = Integer.MAX_VALUE - 2 * ALIGNMENT;

    private final int rows;
    private final int[] offsets;
    private final int bytes;

    Layout(List<Column> columns, int rows) {
        this.rows = rows;
        offsets = new int[columns.size()];
        long next = 0;
        for (int i = 0; i < offsets.length; i++) {
            offsets[i] = (int) next;
            long end = next + (long) columns.get(i).rowBytes() * rows;
            next = (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
            if (next > MOST_BYTES) {
                throw new InvalidInputException("lay out batch: it would need more than 2 GiB, use fewer rows than " + rows);
            }
        }
        bytes = (int) next;
    }

    /** The rows that there is room for. */
    int rows() {
        return rows;
    }

    /** Where a column's first row begins. */
    int offset(int column) {
        return offsets[column];
    }

    /** All columns with the padding behind each. */
    int bytes() {
        return bytes;
    }

    /** Zeroed direct memory that begins at a multiple of 64: this many bytes, rounded up to such a multiple. */
    static ByteBuffer allocate(int bytes) {
        int whole = Math.max(1, (bytes + ALIGNMENT - 1) / ALIGNMENT) * ALIGNMENT;
        // allocateDirect promises no more than 8 bytes of alignment, so one step more is taken and cut off again.
        ByteBuffer aligned = ByteBuffer.allocateDirect(whole + ALIGNMENT).alignedSlice(ALIGNMENT);
        return aligned.limit(whole).slice().order(ByteOrder.LITTLE_ENDIAN);
    }
}
