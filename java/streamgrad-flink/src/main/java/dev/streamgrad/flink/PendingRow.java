package dev.streamgrad.flink;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * A record in an unfinished batch: it waits to leave, or has left and waits to be learned. The operator's state is a
 * list of these. Used by the task's thread only.
 */
final class PendingRow<T> {
    /** Flink's own mark of a record without timestamp. */
    static final long NO_TIMESTAMP = Long.MIN_VALUE;

    T record;
    final long timestamp;
    /** Whether its prediction was emitted: after a restart it is only learned. */
    boolean left;
    /** Where it lies among the labelled rows, or among the others; not part of the state, which is encoded anew. */
    boolean labelled;
    int row;

    PendingRow(T record, long timestamp, boolean left) {
        this.record = record;
        this.timestamp = timestamp;
        this.left = left;
    }

    static final class Serializer<T> extends EnvelopeSerializer<PendingRow<T>, T> {
        private static final long serialVersionUID = 1L;

        Serializer(TypeSerializer<T> records) {
            super(records);
        }

        @Override
        Serializer<T> around(TypeSerializer<T> records) {
            return new Serializer<>(records);
        }

        @Override
        public PendingRow<T> copy(PendingRow<T> from) {
            return new PendingRow<>(records.copy(from.record), from.timestamp, from.left);
        }

        @Override
        public void serialize(PendingRow<T> row, DataOutputView out) throws IOException {
            records.serialize(row.record, out);
            out.writeLong(row.timestamp);
            out.writeBoolean(row.left);
        }

        @Override
        public PendingRow<T> deserialize(DataInputView in) throws IOException {
            return new PendingRow<>(records.deserialize(in), in.readLong(), in.readBoolean());
        }

        @Override
        public TypeSerializerSnapshot<PendingRow<T>> snapshotConfiguration() {
            return new Snapshot<>(this);
        }
    }

    /** What a checkpoint keeps of the serializer. */
    public static final class Snapshot<T> extends EnvelopeSnapshot<PendingRow<T>, Serializer<T>> {
        /** For Flink. */
        public Snapshot() {}

        private Snapshot(Serializer<T> serializer) {
            super(serializer);
        }

        @Override
        protected Serializer<T> createOuterSerializerWithNestedSerializers(TypeSerializer<?>[] nested) {
            return new Serializer<>(only(nested));
        }
    }
}
