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

/**
 * Flink's type information for {@link Example}. Immutable, safe for use by several threads.
 *
 * @param <T> the record
 */
public final class ExampleTypeInfo<T> extends EnvelopeTypeInfo<Example<T>, T> {
    private static final long serialVersionUID = 1L;

    /**
     * The type of an example around this record.
     *
     * @param record the record's type information
     */
    public ExampleTypeInfo(TypeInformation<T> record) {
        super(Example.class, record);
    }

    /**
     * The record's type.
     *
     * @return its type information
     */
    public TypeInformation<T> record() {
        return record;
    }

    @Override
    TypeSerializer<Example<T>> around(TypeSerializer<T> records) {
        return new Serializer<>(records);
    }

    /**
     * Lets Flink find this type by itself where it knows the record's type.
     *
     * @param <T> the record
     */
    public static final class Factory<T> extends TypeInfoFactory<Example<T>> {
        /** For Flink. */
        public Factory() {}

        @Override
        public TypeInformation<Example<T>> createTypeInfo(Type type, Map<String, TypeInformation<?>> parameters) {
            return new ExampleTypeInfo<>(record(parameters));
        }
    }

    private static final class Serializer<T> extends EnvelopeSerializer<Example<T>, T> {
        private static final long serialVersionUID = 1L;

        Serializer(TypeSerializer<T> records) {
            super(records);
        }

        @Override
        Serializer<T> around(TypeSerializer<T> records) {
            return new Serializer<>(records);
        }

        @Override
        public Example<T> copy(Example<T> from) {
            return Example.of(records.copy(from.record()), from.label());
        }

        @Override
        public void serialize(Example<T> example, DataOutputView out) throws IOException {
            records.serialize(example.record(), out);
            Labels.writeNullable(example.label(), out);
        }

        @Override
        public Example<T> deserialize(DataInputView in) throws IOException {
            T record = records.deserialize(in);
            return Example.of(record, Labels.readNullable(in));
        }

        @Override
        public TypeSerializerSnapshot<Example<T>> snapshotConfiguration() {
            return new Snapshot<>(this);
        }
    }

    /**
     * What a checkpoint keeps of the serializer.
     *
     * @param <T> the record
     */
    public static final class Snapshot<T> extends EnvelopeSnapshot<Example<T>, Serializer<T>> {
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
