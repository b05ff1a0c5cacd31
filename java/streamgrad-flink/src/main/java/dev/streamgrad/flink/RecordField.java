package dev.streamgrad.flink;

import dev.streamgrad.Field;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** One field of a record type, found once when the job starts. Immutable. */
interface RecordField {
    /** What its values are, as far as the record's type says. */
    ValueType type();

    /** How to read it into a model's field, which it {@link Fit fits}. */
    FieldReader reader(Field field);

    /** Its type as a column of a {@code Row}, or null if it cannot be one. */
    TypeInformation<?> information();

    /** Its value in a record as {@link #information} says. */
    Object get(Object record);
}
