package dev.streamgrad.flink;

import dev.streamgrad.Field;
import dev.streamgrad.Row;
import java.util.Collections;

/** Reads a field that has a default. */
final class DefaultReader implements FieldReader {
    /** Null if the record has no such field. */
    private final FieldReader reader;

    private final Object otherwise;

    DefaultReader(FieldReader reader, Object otherwise) {
        this.reader = reader;
        this.otherwise = otherwise;
    }

    /** A default as the row takes it: one value stands for all elements. */
    static Object value(Field field, Object value) {
        ValueType type = ClassTypes.of(value.getClass());
        boolean one = !type.isArray() && field.elements() > 1;
        Fit.check(field, "the default", one ? ValueType.array(type, type.toString()) : type);
        Object plain = Values.of(type, field).plain(value);
        return one ? Collections.nCopies(field.elements(), plain) : plain;
    }

    @Override
    public void copy(Object record, Row row, int field) {
        if (isAbsent(record)) {
            row.set(field, otherwise);
        } else {
            reader.copy(record, row, field);
        }
    }

    private boolean isAbsent(Object record) {
        return reader == null || reader.isNull(record);
    }

    @Override
    public boolean isNull(Object record) {
        return false;
    }
}
