package dev.streamgrad.flink;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.VoidSerializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** A label in state, with its event time. Immutable. */
final class LabelValue {
    final Object value;
    final long time;

    LabelValue(Object value, long time) {
        this.value = value;
        this.time = time;
    }

    /** An envelope around nothing. */
    static final class Serializer extends EnvelopeSerializer<LabelValue, Void> {
        private static final long serialVersionUID = 1L;

        Serializer() {
            super(VoidSerializer.INSTANCE);
        }

        @Override
        Serializer around(TypeSerializer<Void> records) {
            return this;
        }

        @Override
        public LabelValue copy(LabelValue from) {
            return from;
        }

        @Override
        public void serialize(LabelValue label, DataOutputView out) throws IOException {
            out.writeLong(label.time);
            Labels.writeNullable(label.value, out);
        }

        @Override
        public LabelValue deserialize(DataInputView in) throws IOException {
            long time = in.readLong();
            return new LabelValue(Labels.readNullable(in), time);
        }

        @Override
        public TypeSerializerSnapshot<LabelValue> snapshotConfiguration() {
            return new Snapshot(this);
        }
    }

    /** What a checkpoint keeps of the serializer. */
    public static final class Snapshot extends EnvelopeSnapshot<LabelValue, Serializer> {
        /** For Flink. */
        public Snapshot() {}

        private Snapshot(Serializer serializer) {
            super(serializer);
        }

        @Override
        protected Serializer createOuterSerializerWithNestedSerializers(TypeSerializer<?>[] nested) {
            return new Serializer();
        }
    }
}
