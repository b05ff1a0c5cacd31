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

/** Flink's type information for {@link ModelUpdate}: an envelope around nothing. Immutable. */
final class ModelUpdateTypeInfo extends EnvelopeTypeInfo<ModelUpdate, Void> {
    private static final long serialVersionUID = 1L;

    ModelUpdateTypeInfo() {
        super(ModelUpdate.class, Types.VOID);
    }

    @Override
    TypeSerializer<ModelUpdate> around(TypeSerializer<Void> records) {
        return new Serializer(records);
    }

    /** For Flink. */
    public static final class Factory extends TypeInfoFactory<ModelUpdate> {
        /** For Flink. */
        public Factory() {}

        @Override
        public TypeInformation<ModelUpdate> createTypeInfo(Type type, Map<String, TypeInformation<?>> parameters) {
            return new ModelUpdateTypeInfo();
        }
    }

    private static final class Serializer extends EnvelopeSerializer<ModelUpdate, Void> {
        private static final long serialVersionUID = 1L;

        Serializer(TypeSerializer<Void> records) {
            super(records);
        }

        @Override
        Serializer around(TypeSerializer<Void> records) {
            return new Serializer(records);
        }

        @Override
        public ModelUpdate copy(ModelUpdate from) {
            return from;
        }

        @Override
        public void serialize(ModelUpdate update, DataOutputView out) throws IOException {
            out.writeByte(update.kind().ordinal());
            out.writeUTF(update.name());
        }

        @Override
        public ModelUpdate deserialize(DataInputView in) throws IOException {
            return new ModelUpdate(ModelUpdate.Kind.values()[in.readByte()], in.readUTF());
        }

        @Override
        public TypeSerializerSnapshot<ModelUpdate> snapshotConfiguration() {
            return new Snapshot(this);
        }
    }

    /** What a checkpoint keeps of the serializer. */
    public static final class Snapshot extends EnvelopeSnapshot<ModelUpdate, Serializer> {
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
