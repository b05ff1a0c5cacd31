package dev.streamgrad.flink;

import org.apache.flink.api.common.typeutils.CompositeTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializer;

/** What a checkpoint keeps of an envelope's serializer: its layout's version and the record serializer's snapshot. */
abstract class EnvelopeSnapshot<E, S extends EnvelopeSerializer<E, ?>> extends CompositeTypeSerializerSnapshot<E, S> {
    EnvelopeSnapshot() {}

    EnvelopeSnapshot(S serializer) {
        super(serializer);
    }

    @Override
    protected final int getCurrentOuterSnapshotVersion() {
        return 1;
    }

    @Override
    protected final TypeSerializer<?>[] getNestedSerializers(S serializer) {
        return new TypeSerializer<?>[] {serializer.records};
    }

    /** The record's serializer, of which there is one. */
    @SuppressWarnings("unchecked")
    static <T> TypeSerializer<T> only(TypeSerializer<?>[] nested) {
        return (TypeSerializer<T>) nested[0];
    }
}
