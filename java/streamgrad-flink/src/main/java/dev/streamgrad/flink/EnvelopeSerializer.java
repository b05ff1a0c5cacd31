package dev.streamgrad.flink;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Serializer of an envelope {@code E} around one record {@code T}: everything that does not depend on the envelope's
 * own fields. The record's own serializer keeps its schema evolution. Used by one thread at a time, as Flink does.
 */
abstract class EnvelopeSerializer<E, T> extends TypeSerializer<E> {
    private static final long serialVersionUID = 1L;

    final TypeSerializer<T> records;

    EnvelopeSerializer(TypeSerializer<T> records) {
        this.records = records;
    }

    /** The same serializer around another serializer of the record. */
    abstract EnvelopeSerializer<E, T> around(TypeSerializer<T> records);

    /** A record, or that there is none. */
    final void serializeNullable(T record, DataOutputView out) throws IOException {
        out.writeBoolean(record != null);
        if (record != null) {
            records.serialize(record, out);
        }
    }

    final T deserializeNullable(DataInputView in) throws IOException {
        return in.readBoolean() ? records.deserialize(in) : null;
    }

    final T copyNullable(T record) {
        return record == null ? null : records.copy(record);
    }

    @Override
    public final boolean isImmutableType() {
        return false;
    }

    @Override
    public final TypeSerializer<E> duplicate() {
        TypeSerializer<T> duplicate = records.duplicate();
        return duplicate == records ? this : around(duplicate);
    }

    @Override
    public final E createInstance() {
        return null;
    }

    @Override
    public final E copy(E from, E reuse) {
        return copy(from);
    }

    @Override
    public final int getLength() {
        return -1;
    }

    @Override
    public final E deserialize(E reuse, DataInputView in) throws IOException {
        return deserialize(in);
    }

    @Override
    public final void copy(DataInputView in, DataOutputView out) throws IOException {
        serialize(deserialize(in), out);
    }

    @Override
    public final boolean equals(Object other) {
        return other != null
                && other.getClass() == getClass()
                && ((EnvelopeSerializer<?, ?>) other).records.equals(records);
    }

    @Override
    public final int hashCode() {
        return 31 * getClass().hashCode() + records.hashCode();
    }
}
