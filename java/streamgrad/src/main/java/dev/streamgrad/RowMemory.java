package dev.streamgrad;

import java.nio.ByteBuffer;

/**
 * Where the values of the row lie that is being added: in the slab or, where a slot leads there, in the heap. For one
 * thread at a time.
 */
final class RowMemory {
    private final Layout layout;
    private final ByteBuffer slab;
    private final Heap heap;
    private int row;
    /** Where the values of the ragged field begin that is being set, and how many there are. */
    private int start;

    private int count;

    RowMemory(Layout layout, ByteBuffer slab, Heap heap) {
        this.layout = layout;
        this.slab = slab;
        this.heap = heap;
    }

    /** The number of the row, before its first field. */
    void row(int row) {
        this.row = row;
    }

    /** Makes room for the values of a field, before the first of them. */
    void begin(Field field, int values) {
        if (field.column().ragged()) {
            start = heap.take((long) values * field.column().dtype().slot());
            count = values;
        }
    }

    /** The field has its values: the slot of a ragged one leads there. */
    void end(Field field) {
        if (field.column().ragged()) {
            slot(slab, layout.offset(field.columnIndex()) + row * Layout.SLOT, start, count);
        }
    }

    void put(Field field, int i, double value) {
        Cells.put(memory(field), at(field, i), field, value);
    }

    void put(Field field, int i, long value) {
        Cells.put(memory(field), at(field, i), field, value);
    }

    void put(Field field, int i, CharSequence value) {
        onlyString(field);
        int offset = heap.size();
        heap.append(value, field);
        slot(memory(field), at(field, i), offset, heap.size() - offset);
    }

    void put(Field field, int i, byte[] value) {
        onlyString(field);
        int offset = heap.size();
        heap.append(value);
        slot(memory(field), at(field, i), offset, value.length);
    }

    /** An unsigned number of 64 bits. */
    void putUnsigned(Field field, int i, long bits) {
        memory(field).putLong(at(field, i), bits);
    }

    /** What says that this element is missing: NaN, the lowest integer, or the empty string. */
    void miss(Field field, int i) {
        DType dtype = field.column().dtype();
        if (dtype == DType.STRING) {
            slot(memory(field), at(field, i), 0, 0);
        } else if (dtype == DType.FLOAT32) {
            memory(field).putFloat(at(field, i), Float.NaN);
        } else if (dtype == DType.INT32) {
            memory(field).putInt(at(field, i), Integer.MIN_VALUE);
        } else if (dtype == DType.INT64) {
            memory(field).putLong(at(field, i), Long.MIN_VALUE);
        } else {
            memory(field).putDouble(at(field, i), Double.NaN);
        }
    }

    /** The same for all elements of a field; of a ragged one, there are none. */
    void miss(Field field) {
        if (field.column().ragged()) {
            slot(slab, layout.offset(field.columnIndex()) + row * Layout.SLOT, 0, 0);
            return;
        }
        for (int i = 0; i < field.elements(); i++) {
            miss(field, i);
        }
    }

    /** Zeros instead of what an earlier row left in a column of fixed size. */
    void blank(int columnIndex, Column column) {
        int from = layout.offset(columnIndex) + row * column.rowBytes();
        for (int at = from; at < from + column.rowBytes(); at++) {
            slab.put(at, (byte) 0);
        }
    }

    static void slot(ByteBuffer memory, int at, int offset, int length) {
        memory.putInt(at, offset);
        memory.putInt(at + Integer.BYTES, length);
    }

    private ByteBuffer memory(Field field) {
        return field.column().ragged() ? heap.bytes() : slab;
    }

    /** Where number {@code i} of a field lies; a complex element is two. */
    private int at(Field field, int i) {
        Column column = field.column();
        int cell = column.dtype().cell();
        return column.ragged()
                ? start + i * cell
                : layout.offset(field.columnIndex()) + row * column.rowBytes() + field.element() * column.dtype().slot() + i * cell;
    }

    private static void onlyString(Field field) {
        if (field.column().dtype() != DType.STRING) {
            throw new InvalidInputException(
                    "set field: a " + field.column().dtype() + " field takes numbers, not a string: " + field);
        }
    }
}
