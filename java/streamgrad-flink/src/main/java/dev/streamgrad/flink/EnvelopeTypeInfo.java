package dev.streamgrad.flink;

import java.util.Map;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;

/**
 * Type information of an envelope {@code E} around a record {@code T}: never Kryo for the envelope, and for the record
 * whatever Flink found for it. Immutable.
 */
abstract class EnvelopeTypeInfo<E, T> extends TypeInformation<E> {
    private static final long serialVersionUID = 1L;

    private final Class<?> envelope;
    final TypeInformation<T> record;

    EnvelopeTypeInfo(Class<?> envelope, TypeInformation<T> record) {
        this.envelope = envelope;
        this.record = record;
    }

    /** The record's type as Flink found it; where it found none, an object's. */
    @SuppressWarnings("unchecked")
    static <T> TypeInformation<T> record(Map<String, TypeInformation<?>> parameters) {
        TypeInformation<?> found = parameters.get("T");
        return (TypeInformation<T>) (found != null ? found : TypeInformation.of(Object.class));
    }

    abstract TypeSerializer<E> around(TypeSerializer<T> records);

    @Override
    public final TypeSerializer<E> createSerializer(SerializerConfig config) {
        return around(record.createSerializer(config));
    }

    /**
     * What Flink 1.20 asks for; no override in 2.x.
     *
     * @param config of the job
     * @return a new serializer
     */
    public final TypeSerializer<E> createSerializer(ExecutionConfig config) {
        return createSerializer(config.getSerializerConfig());
    }

    @Override
    @SuppressWarnings("unchecked")
    public final Class<E> getTypeClass() {
        return (Class<E>) envelope;
    }

    @Override
    public final Map<String, TypeInformation<?>> getGenericParameters() {
        return Map.of("T", record);
    }

    @Override
    public final boolean isBasicType() {
        return false;
    }

    @Override
    public final boolean isTupleType() {
        return false;
    }

    @Override
    public final int getArity() {
        return 1;
    }

    @Override
    public final int getTotalFields() {
        return 1;
    }

    @Override
    public final boolean isKeyType() {
        return false;
    }

    @Override
    public final boolean canEqual(Object other) {
        return other != null && other.getClass() == getClass();
    }

    @Override
    public final boolean equals(Object other) {
        return canEqual(other) && ((EnvelopeTypeInfo<?, ?>) other).record.equals(record);
    }

    @Override
    public final int hashCode() {
        return 31 * envelope.hashCode() + record.hashCode();
    }

    @Override
    public final String toString() {
        return envelope.getSimpleName() + "<" + record + ">";
    }
}
