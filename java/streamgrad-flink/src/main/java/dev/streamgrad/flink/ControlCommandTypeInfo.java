package dev.streamgrad.flink;

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

/** Flink's type information for {@link ControlCommand}: an envelope around nothing. Immutable. */
final class ControlCommandTypeInfo extends EnvelopeTypeInfo<ControlCommand, Void> {
    private static final long serialVersionUID = 1L;

    ControlCommandTypeInfo() {
        super(ControlCommand.class, Types.VOID);
    }

    @Override
    TypeSerializer<ControlCommand> around(TypeSerializer<Void> records) {
        return new Serializer(records);
    }

    /** For Flink. */
    public static final class Factory extends TypeInfoFactory<ControlCommand> {
        /** For Flink. */
        public Factory() {}

        @Override
        public TypeInformation<ControlCommand> createTypeInfo(Type type, Map<String, TypeInformation<?>> parameters) {
            return new ControlCommandTypeInfo();
        }
    }

    private static final class Serializer extends EnvelopeSerializer<ControlCommand, Void> {
        private static final long serialVersionUID = 1L;

        Serializer(TypeSerializer<Void> records) {
            super(records);
        }

        @Override
        Serializer around(TypeSerializer<Void> records) {
            return new Serializer(records);
        }

        @Override
        public ControlCommand copy(ControlCommand from) {
            return from;
        }

        @Override
        public void serialize(ControlCommand command, DataOutputView out) throws IOException {
            StringValue.writeString(command.toString(), out);
        }

        @Override
        public ControlCommand deserialize(DataInputView in) throws IOException {
            return ControlCommand.of(StringValue.readString(in));
        }

        @Override
        public TypeSerializerSnapshot<ControlCommand> snapshotConfiguration() {
            return new Snapshot(this);
        }
    }

    /** What a checkpoint keeps of the serializer. */
    public static final class Snapshot extends EnvelopeSnapshot<ControlCommand, Serializer> {
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
