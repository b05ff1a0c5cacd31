package dev.streamgrad;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;

/**
 * The rows of a batch as bytes: mark, schema's fingerprint, rows, which of them lack a label, then column by column the
 * slab's bytes, or each string with its length. Stateless.
 */
final class SavedRows {
    private static final int MAGIC = 0x53474231; // "SGB1"

    private SavedRows() {}

    static void write(Batch batch, BitSet unlabelled, DataOutput out) throws IOException {
        out.writeInt(MAGIC);
        out.writeInt(batch.schema().fingerprint());
        out.writeInt(batch.rows());
        byte[] labels = unlabelled.toByteArray();
        out.writeInt(labels.length);
        out.write(labels);
        for (int i = 0; i < batch.schema().columns().size(); i++) {
            Column column = batch.schema().columns().get(i);
            int start = batch.layout().offset(i);
            int bytes = batch.rows() * column.rowBytes();
            if (column.dtype() != DType.STRING) {
                byte[] values = new byte[bytes];
                ByteBuffer view = batch.slab().duplicate();
                view.position(start);
                view.get(values);
                out.write(values);
                continue;
            }
            for (int at = start; at < start + bytes; at += DType.STRING.slot()) {
                byte[] value = batch.strings().get(batch.slab().getInt(at), batch.slab().getInt(at + Integer.BYTES));
                out.writeInt(value.length);
                out.write(value);
            }
        }
    }

    /** Fills an empty batch; returns the number of its rows. */
    static int read(Batch batch, BitSet unlabelled, DataInput in) throws IOException {
        if (in.readInt() != MAGIC || in.readInt() != batch.schema().fingerprint()) {
            throw new InvalidInputException(
                    "read batch: the rows were not written by a batch with this schema: " + batch.schema());
        }
        int rows = in.readInt();
        int labels = in.readInt();
        if (rows < 0 || rows > batch.capacity() || labels < 0 || labels > batch.capacity() / Byte.SIZE + 1) {
            throw new InvalidInputException(
                    "read batch: a capacity of " + batch.capacity() + " is not enough for rows: " + rows);
        }
        byte[] bits = new byte[labels];
        in.readFully(bits);
        for (int i = 0; i < batch.schema().columns().size(); i++) {
            readColumn(batch, i, rows, in);
        }
        unlabelled.or(BitSet.valueOf(bits));
        return rows;
    }

    private static void readColumn(Batch batch, int index, int rows, DataInput in) throws IOException {
        Column column = batch.schema().columns().get(index);
        int start = batch.layout().offset(index);
        int bytes = rows * column.rowBytes();
        if (column.dtype() != DType.STRING) {
            byte[] values = new byte[bytes];
            in.readFully(values);
            ByteBuffer view = batch.slab().duplicate();
            view.position(start);
            view.put(values);
            return;
        }
        for (int at = start; at < start + bytes; at += DType.STRING.slot()) {
            int length = in.readInt();
            if (length < 0) {
                throw new InvalidInputException("read batch: the rows are damaged, a string has the length " + length);
            }
            byte[] value = new byte[length];
            in.readFully(value);
            batch.putString(at, value);
        }
    }
}
