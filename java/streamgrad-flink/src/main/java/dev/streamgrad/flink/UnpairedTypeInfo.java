package dev.streamgrad.flink;

import java.io.IOException;
import java.lang.reflect.Type;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInfoFactory;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Flink's type information for {@link Unpaired}, with that of the record inside. Immutable. */
final class UnpairedTypeInfo extends EnvelopeTypeInfo<Unpaired, Object> {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("unchecked")
    UnpairedTypeInfo(TypeInformation<?> record) {
        super(Unpaired.class, (TypeInformation<Object>) record);
    }

    @Override
    TypeSerializer<Unpaired> around(TypeSerializer<Object> records) {
        return new Serializer(records);
    }

    /** For Flink: where the record's type is not known it is whatever Flink does with an object. */
    public static final class Factory extends TypeInfoFactory<Unpaired> {
        /** For Flink. */
        public Factory() {}

        @Override
        public TypeInformation<Unpaired> createTypeInfo(Type type, Map<String, TypeInformation<?>> parameters) {
            return new UnpairedTypeInfo(TypeInformation.of(Object.class));
        }
    }

    private static final class Serializer extends EnvelopeSerializer<Unpaired, Object> {
        private static final long serialVersionUID = 1L;

        Serializer(TypeSerializer<Object> records) {
            super(records);
        }

        @Override
        Serializer around(TypeSerializer<Object> records) {
            return new Serializer(records);
        }

        @Override
        public Unpaired copy(Unpaired from) {
            return Unpaired.of(from.key(), copyNullable(from.record()), from.label());
        }

        @Override
        public void serialize(Unpaired unpaired, DataOutputView out) throws IOException {
            out.writeUTF(unpaired.key());
            serializeNullable(unpaired.record(), out);
            Labels.writeNullable(unpaired.label(), out);
        }

        @Override
        public Unpaired deserialize(DataInputView in) throws IOException {
            String key = in.readUTF();
            Object record = deserializeNullable(in);
            return Unpaired.of(key, record, Labels.readNullable(in));
        }

        @Override
        public TypeSerializerSnapshot<Unpaired> snapshotConfiguration() {
            return new Snapshot(this);
        }
    }

    /** What a checkpoint keeps of the serializer. */
    public static final class Snapshot extends EnvelopeSnapshot<Unpaired, Serializer> {
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
