package dev.streamgrad.flink;

import dev.streamgrad.Field;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.RowTypeInfo;
import org.apache.flink.types.Row;

/**
 * The fields of a record type by name, found once when the job starts: of a {@code Row} or {@code RowData}, and of any
 * class by its public fields and getters, which covers POJOs, Java records and tuples.
 */
interface RecordFields {
    /** How to read a field into a model's, or null if the record has none of this name. */
    FieldReader reader(Field field);

    /** The names there are, for messages. */
    List<String> names();

    static RecordFields of(TypeInformation<?> type) {
        Class<?> record = type.getTypeClass();
        // By name: Flink's table modules need not be there.
        if (record.getName().equals("org.apache.flink.table.data.RowData")) {
            return RowDataFields.of(type);
        }
        if (record == Row.class) {
            return type instanceof RowTypeInfo
                    ? new RowFields(List.of(((RowTypeInfo) type).getFieldNames()))
                    : new RowFields(null);
        }
        return new ClassFields(record);
    }

    /** The fields of a {@code Row}: by position if its type says the names, else by the names in each row. */
    final class RowFields implements RecordFields {
        private final List<String> names;

        RowFields(List<String> names) {
            this.names = names;
        }

        @Override
        public FieldReader reader(Field field) {
            String name = field.name();
            if (names == null) {
                return reading(row -> row.getField(name));
            }
            int position = names.indexOf(name);
            return position < 0 ? null : reading(row -> row.getField(position));
        }

        @Override
        public List<String> names() {
            return names == null ? List.of() : names;
        }

        private static FieldReader reading(java.util.function.Function<Row, Object> get) {
            return new FieldReader() {
                @Override
                public void copy(Object record, dev.streamgrad.Row row, int field) {
                    row.set(field, get.apply((Row) record));
                }

                @Override
                public boolean isNull(Object record) {
                    return get.apply((Row) record) == null;
                }
            };
        }
    }
}
