package dev.streamgrad.flink;

import dev.streamgrad.VersionId;
import java.io.IOException;
import java.lang.reflect.Type;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInfoFactory;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Flink's type information for {@link Scored}. Immutable, safe for use by several threads.
 *
 * @param <T> the record
 */
public final class ScoredTypeInfo<T> extends EnvelopeTypeInfo<Scored<T>, T> {
    private static final long serialVersionUID = 1L;

    /**
     * The type of a scored record.
     *
     * @param record the record's type information
     */
    public ScoredTypeInfo(TypeInformation<T> record) {
        super(Scored.class, record);
    }

    @Override
    TypeSerializer<Scored<T>> around(TypeSerializer<T> records) {
        return new Serializer<>(records);
    }

    /**
     * Lets Flink find this type by itself where it knows the record's type.
     *
     * @param <T> the record
     */
    public static final class Factory<T> extends TypeInfoFactory<Scored<T>> {
        /** For Flink. */
        public Factory() {}

        @Override
        public TypeInformation<Scored<T>> createTypeInfo(Type type, Map<String, TypeInformation<?>> parameters) {
            return new ScoredTypeInfo<>(record(parameters));
        }
    }

    private static final class Serializer<T> extends EnvelopeSerializer<Scored<T>, T> {
        private static final long serialVersionUID = 1L;

        Serializer(TypeSerializer<T> records) {
            super(records);
        }

        @Override
        Serializer<T> around(TypeSerializer<T> records) {
            return new Serializer<>(records);
        }

        @Override
        public Scored<T> copy(Scored<T> from) {
            return from.around(records.copy(from.record()));
        }

        @Override
        public void serialize(Scored<T> scored, DataOutputView out) throws IOException {
            records.serialize(scored.record(), out);
            out.writeLong(scored.versionId().lineage());
            out.writeLong(scored.version());
            if (scored.isFloat()) {
                out.writeInt(0);
                out.writeFloat(scored.prediction());
                return;
            }
            out.writeInt(scored.names().length);
            for (int i = 0; i < scored.names().length; i++) {
                out.writeUTF(scored.names()[i]);
                scored.values()[i].write(out);
            }
        }

        @Override
        public Scored<T> deserialize(DataInputView in) throws IOException {
            T record = records.deserialize(in);
            VersionId version = VersionId.of(in.readLong(), in.readLong());
            int outputs = in.readInt();
            if (outputs == 0) {
                return new Scored<>(record, version, in.readFloat());
            }
            String[] names = new String[outputs];
            OutputValues[] values = new OutputValues[outputs];
            for (int i = 0; i < outputs; i++) {
                names[i] = in.readUTF();
                values[i] = OutputValues.read(in);
            }
            return new Scored<>(record, version, names, values);
        }

        @Override
        public TypeSerializerSnapshot<Scored<T>> snapshotConfiguration() {
            return new Snapshot<>(this);
        }
    }

    /**
     * What a checkpoint keeps of the serializer.
     *
     * @param <T> the record
     */
    public static final class Snapshot<T> extends EnvelopeSnapshot<Scored<T>, Serializer<T>> {
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
