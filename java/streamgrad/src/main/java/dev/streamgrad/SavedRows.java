package dev.streamgrad;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;

/**
 * The rows of a batch as bytes: mark, schema's fingerprint, rows, event time, which of them lack a label, then column by
 * column the slab's bytes; each string with its length, each ragged row with the number of its values. Stateless.
 */
final class SavedRows {
    private static final int MAGIC = 0x53474232; // "SGB2"

    private SavedRows() {}

    static void write(Batch batch, BitSet unlabelled, DataOutput out) throws IOException {
        out.writeInt(MAGIC);
        out.writeInt(batch.schema().fingerprint());
        out.writeInt(batch.rows());
        out.writeLong(batch.eventTimeOrNone());
        byte[] labels = unlabelled.toByteArray();
        out.writeInt(labels.length);
        out.write(labels);
        for (int i = 0; i < batch.schema().columns().size(); i++) {
            writeColumn(batch, i, out);
        }
    }

    private static void writeColumn(Batch batch, int index, DataOutput out) throws IOException {
        Column column = batch.schema().columns().get(index);
        int start = batch.layout().offset(index);
        int end = start + batch.rows() * column.rowBytes();
        if (!column.slots()) {
            byte[] values = new byte[end - start];
            ByteBuffer view = batch.slab().duplicate();
            view.position(start);
            view.get(values);
            out.write(values);
            return;
        }
        for (int at = start; at < end; at += Layout.SLOT) {
            if (column.ragged()) {
                writeRow(batch, column, at, out);
            } else {
                writeString(batch, batch.slab(), at, out);
            }
        }
    }

    private static void writeRow(Batch batch, Column column, int slot, DataOutput out) throws IOException {
        int start = batch.slab().getInt(slot);
        int count = batch.slab().getInt(slot + Integer.BYTES);
        out.writeInt(count);
        if (column.dtype() != DType.STRING) {
            out.write(batch.heap().get(start, count * column.dtype().slot()));
            return;
        }
        for (int i = 0; i < count; i++) {
            writeString(batch, batch.heap().bytes(), start + i * Layout.SLOT, out);
        }
    }

    private static void writeString(Batch batch, ByteBuffer slots, int at, DataOutput out) throws IOException {
        byte[] value = batch.heap().get(slots.getInt(at), slots.getInt(at + Integer.BYTES));
        out.writeInt(value.length);
        out.write(value);
    }

    /** Fills an empty batch; returns the number of its rows. */
    static int read(Batch batch, BitSet unlabelled, DataInput in) throws IOException {
        if (in.readInt() != MAGIC || in.readInt() != batch.schema().fingerprint()) {
            throw new InvalidInputException(
                    "read batch: the rows were not written by a batch with this schema: " + batch.schema());
        }
        int rows = in.readInt();
        long eventTime = in.readLong();
        int labels = in.readInt();
        if (rows < 0 || rows > batch.capacity() || labels < 0 || labels > batch.capacity() / Byte.SIZE + 1) {
            throw new InvalidInputException(
                    "read batch: a capacity of " + batch.capacity() + " is not enough for rows: " + rows);
        }
        byte[] bits = bytes(labels, in);
        readColumns(batch, rows, in);
        unlabelled.or(BitSet.valueOf(bits));
        if (eventTime != Batch.NO_EVENT_TIME) {
            batch.eventTime(eventTime);
        }
        return rows;
    }

    /** Fills an empty batch with so many rows, for which it has room; {@code src/jvm/control.rs} writes them, too. */
    static void readColumns(Batch batch, int rows, DataInput in) throws IOException {
        for (int i = 0; i < batch.schema().columns().size(); i++) {
            readColumn(batch, i, rows, in);
        }
    }

    private static void readColumn(Batch batch, int index, int rows, DataInput in) throws IOException {
        Column column = batch.schema().columns().get(index);
        int start = batch.layout().offset(index);
        int end = start + rows * column.rowBytes();
        if (!column.slots()) {
            byte[] values = bytes(end - start, in);
            ByteBuffer view = batch.slab().duplicate();
            view.position(start);
            view.put(values);
            return;
        }
        for (int at = start; at < end; at += Layout.SLOT) {
            if (column.ragged()) {
                readRow(batch, column, at, in);
            } else {
                byte[] value = bytes(length(in), in);
                RowMemory.slot(batch.slab(), at, batch.heap().size(), value.length);
                batch.heap().append(value);
            }
        }
    }

    private static void readRow(Batch batch, Column column, int slot, DataInput in) throws IOException {
        Heap heap = batch.heap();
        int count = length(in);
        int start = heap.take((long) count * column.dtype().slot());
        RowMemory.slot(batch.slab(), slot, start, count);
        if (column.dtype() != DType.STRING) {
            ByteBuffer view = heap.bytes().duplicate();
            view.position(start);
            view.put(bytes(heap.size() - start, in));
            return;
        }
        for (int i = 0; i < count; i++) {
            byte[] value = bytes(length(in), in);
            int offset = heap.size();
            heap.append(value);
            RowMemory.slot(heap.bytes(), start + i * Layout.SLOT, offset, value.length);
        }
    }

    private static int length(DataInput in) throws IOException {
        int length = in.readInt();
        if (length < 0) {
            throw new InvalidInputException("read batch: the rows are damaged, a string or ragged row has the length " + length);
        }
        return length;
    }

    private static byte[] bytes(int count, DataInput in) throws IOException {
        byte[] bytes = new byte[count];
        in.readFully(bytes);
        return bytes;
    }
}
