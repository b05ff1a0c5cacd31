package dev.streamgrad.flink;

import dev.streamgrad.flink.ValueType.Kind;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.RowTypeInfo;
import org.apache.flink.types.Row;

/**
 * The fields of a {@code Row}: by position if its type or {@link Fields#positions} says the names, else by the names in each
 * row.
 */
final class RowFields implements RecordFields {
    /** Null if only each row knows. */
    private final List<String> names;
    /** Null if only each row knows. */
    private final RowTypeInfo type;

    private RowFields(List<String> names, RowTypeInfo type) {
        this.names = names;
        this.type = type;
    }

    static RecordFields of(TypeInformation<?> type, Fields fields) {
        if (type instanceof RowTypeInfo) {
            RowTypeInfo row = (RowTypeInfo) type;
            return new RowFields(fields.names(List.of(row.getFieldNames()), type), row);
        }
        // By name: Flink's table modules need not be there.
        if (type.getClass().getName().equals("org.apache.flink.table.runtime.typeutils.ExternalTypeInfo")) {
            return TableRowFields.of(type, fields);
        }
        return new RowFields(fields.positions(), null);
    }

    @Override
    public List<String> names() {
        return names == null ? List.of() : names;
    }

    @Override
    public RecordField field(String name) {
        if (names == null) {
            return new ObjectField(ValueType.of(Kind.ANY, "unknown"), null, record -> get((Row) record, name));
        }
        int at = names.indexOf(name);
        if (at < 0) {
            return null;
        }
        TypeInformation<?> value = type == null ? null : type.getTypeAt(at);
        ValueType values = value == null ? ValueType.of(Kind.ANY, "unknown") : InfoTypes.of(value);
        return new ObjectField(values, value, record -> ((Row) record).getField(at));
    }

    @Override
    public NestedField.Inner inner(String name) {
        int at = names == null ? -1 : names.indexOf(name);
        if (at < 0) {
            return null;
        } else if (type == null) {
            return new NestedField.Inner(record -> ((Row) record).getField(at), new RowFields(null, null));
        }
        TypeInformation<?> value = type.getTypeAt(at);
        return NestedField.Inner.of(InfoTypes.of(value), value, record -> ((Row) record).getField(at));
    }

    /** A field of a row that knows its names, or of a row within it. */
    private static Object get(Row row, String name) {
        int dot = name.indexOf('.');
        Set<String> known = row.getFieldNames(true);
        if (dot < 0 || known == null || known.contains(name)) {
            return row.getField(name);
        }
        Object inner = row.getField(name.substring(0, dot));
        if (inner != null && !(inner instanceof Row)) {
            throw new IllegalArgumentException("a row has no row in this field, but " + inner.getClass().getName() + ": "
                    + name.substring(0, dot));
        }
        return inner == null ? null : get((Row) inner, name.substring(dot + 1));
    }
}
