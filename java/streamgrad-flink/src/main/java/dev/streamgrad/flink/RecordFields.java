package dev.streamgrad.flink;

import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.tuple.Tuple;
import org.apache.flink.types.Row;

/**
 * The fields of a record type by name, found once when the job is built or starts: of a {@code RowData}, a {@code Row}, a tuple,
 * an Avro record, and of any other class by its public fields and getters, which covers POJOs and Java records.
 */
interface RecordFields {
    /** The field of this name, or null if the record has none. */
    RecordField field(String name);

    /** The record within the field of this name, or null if there is no such field or its values are no records. */
    NestedField.Inner inner(String name);

    /** The names there are, in the record's order; empty if only each record knows them. */
    List<String> names();

    /** The names of what becomes a column of a row; without getters of what is computed. */
    default List<String> columns() {
        return names();
    }

    /** Those of a type, where positions may have names that the type does not know. */
    static RecordFields of(TypeInformation<?> type, Fields fields) {
        Class<?> record = type.getTypeClass();
        RecordFields found;
        // By name: Flink's table modules and Avro need not be there.
        if (record.getName().equals("org.apache.flink.table.data.RowData")) {
            found = RowDataFields.of(type);
        } else if (record == Row.class) {
            return RowFields.of(type, fields);
        } else if (Tuple.class.isAssignableFrom(record)) {
            return TupleFields.of(type, fields);
        } else if (isAvro(record)) {
            found = AvroFields.of(type);
        } else {
            found = new ClassFields(type);
        }
        if (fields.positions() != null) {
            throw new IllegalArgumentException("map record: only a Row's or tuple's fields have positions, the names are there"
                    + " already; use Fields.named(): " + type);
        }
        return found;
    }

    /** Whether it is one of Avro's indexed records. */
    private static boolean isAvro(Class<?> record) {
        if (record == null) {
            return false;
        }
        if (record.getName().equals("org.apache.avro.generic.IndexedRecord") || isAvro(record.getSuperclass())) {
            return true;
        }
        for (Class<?> base : record.getInterfaces()) {
            if (isAvro(base)) {
                return true;
            }
        }
        return false;
    }
}
