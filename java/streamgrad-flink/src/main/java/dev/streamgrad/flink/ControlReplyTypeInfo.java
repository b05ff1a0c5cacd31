package dev.streamgrad.flink;

import dev.streamgrad.VersionId;
import java.io.IOException;
import java.lang.reflect.Type;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInfoFactory;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;

/** Flink's type information for {@link ControlReply}: an envelope around nothing. Immutable. */
final class ControlReplyTypeInfo extends EnvelopeTypeInfo<ControlReply, Void> {
    private static final long serialVersionUID = 1L;

    ControlReplyTypeInfo() {
        super(ControlReply.class, Types.VOID);
    }

    @Override
    TypeSerializer<ControlReply> around(TypeSerializer<Void> records) {
        return new Serializer(records);
    }

    /** For Flink. */
    public static final class Factory extends TypeInfoFactory<ControlReply> {
        /** For Flink. */
        public Factory() {}

        @Override
        public TypeInformation<ControlReply> createTypeInfo(Type type, Map<String, TypeInformation<?>> parameters) {
            return new ControlReplyTypeInfo();
        }
    }

    private static final class Serializer extends EnvelopeSerializer<ControlReply, Void> {
        private static final long serialVersionUID = 1L;

        Serializer(TypeSerializer<Void> records) {
            super(records);
        }

        @Override
        Serializer around(TypeSerializer<Void> records) {
            return new Serializer(records);
        }

        @Override
        public ControlReply copy(ControlReply from) {
            return from;
        }

        @Override
        public void serialize(ControlReply reply, DataOutputView out) throws IOException {
            out.writeInt(reply.subtask);
            StringValue.writeString(reply.command.toString(), out);
            StringValue.writeString(reply.error, out);
            StringValue.writeString(reply.made == null ? null : reply.made.toString(), out);
            out.writeUTF(reply.mode);
            out.writeUTF(reply.version.toString());
            out.writeDouble(reply.learningRate);
        }

        @Override
        public ControlReply deserialize(DataInputView in) throws IOException {
            int subtask = in.readInt();
            ControlCommand command = ControlCommand.of(StringValue.readString(in));
            String error = StringValue.readString(in);
            String made = StringValue.readString(in);
            return new ControlReply(
                    subtask,
                    command,
                    error,
                    made == null ? null : VersionId.parse(made),
                    in.readUTF(),
                    VersionId.parse(in.readUTF()),
                    in.readDouble());
        }

        @Override
        public TypeSerializerSnapshot<ControlReply> snapshotConfiguration() {
            return new Snapshot(this);
        }
    }

    /** What a checkpoint keeps of the serializer. */
    public static final class Snapshot extends EnvelopeSnapshot<ControlReply, Serializer> {
        /** For Flink. */
        public Snapshot() {}

        private Snapshot(Serializer serializer) {
            super(serializer);
        }

        @Override
        protected Serializer createOuterSerializerWithNestedSerializers(TypeSerializer<?>[] nested) {
            return new Serializer(only(nested));
        }
    }
}
