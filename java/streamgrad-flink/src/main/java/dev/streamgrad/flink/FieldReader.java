package dev.streamgrad.flink;

import dev.streamgrad.Row;

/** Takes one field out of a record and puts it into a row. Stateless: safe for use by several threads. */
interface FieldReader {
    /** Sets the field of the row from the record's. */
    void copy(Object record, Row row, int field);

    /** Whether the record's field is null, which only a label or a weight may be. */
    boolean isNull(Object record);
}
