package dev.streamgrad.flink;

import java.io.IOException;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInfoFactory;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Flink's type information for {@link Refused}, with that of the record inside. Immutable. */
final class RefusedTypeInfo extends EnvelopeTypeInfo<Refused, Object> {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("unchecked")
    RefusedTypeInfo(TypeInformation<?> record) {
        super(Refused.class, (TypeInformation<Object>) record);
    }

    @Override
    TypeSerializer<Refused> around(TypeSerializer<Object> records) {
        return new Serializer(records);
    }

    /** For Flink: where the record's type is not known it is whatever Flink does with an object. */
    public static final class Factory extends TypeInfoFactory<Refused> {
        /** For Flink. */
        public Factory() {}

        @Override
        public TypeInformation<Refused> createTypeInfo(Type type, Map<String, TypeInformation<?>> parameters) {
            return new RefusedTypeInfo(TypeInformation.of(Object.class));
        }
    }

    private static final class Serializer extends EnvelopeSerializer<Refused, Object> {
        private static final long serialVersionUID = 1L;

        Serializer(TypeSerializer<Object> records) {
            super(records);
        }

        @Override
        Serializer around(TypeSerializer<Object> records) {
            return new Serializer(records);
        }

        @Override
        public Refused copy(Refused from) {
            return new Refused(records.copy(from.record()), from.reason());
        }

        @Override
        public void serialize(Refused refused, DataOutputView out) throws IOException {
            records.serialize(refused.record(), out);
            byte[] reason = refused.reason().getBytes(StandardCharsets.UTF_8);
            out.writeInt(reason.length);
            out.write(reason);
        }

        @Override
        public Refused deserialize(DataInputView in) throws IOException {
            Object record = records.deserialize(in);
            byte[] reason = new byte[in.readInt()];
            in.readFully(reason);
            return new Refused(record, new String(reason, StandardCharsets.UTF_8));
        }

        @Override
        public TypeSerializerSnapshot<Refused> snapshotConfiguration() {
            return new Snapshot(this);
        }
    }

    /** What a checkpoint keeps of the serializer. */
    public static final class Snapshot extends EnvelopeSnapshot<Refused, Serializer> {
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
