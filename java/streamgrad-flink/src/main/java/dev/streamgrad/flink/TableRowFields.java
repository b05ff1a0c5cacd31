package dev.streamgrad.flink;

import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.types.DataTypeQueryable;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.Row;

/** The fields of a {@code Row} that the Table API gave, whose type says how precise its times are. */
final class TableRowFields implements RecordFields {
    private final RowType type;
    private final List<String> names;

    private TableRowFields(RowType type, List<String> names) {
        this.type = type;
        this.names = names;
    }

    static RecordFields of(TypeInformation<?> type, Fields fields) {
        LogicalType logical = ((DataTypeQueryable) type).getDataType().getLogicalType();
        if (!(logical instanceof RowType)) {
            throw new IllegalArgumentException("map record: this Row's type has no fields, give an encoder: " + logical);
        }
        RowType row = (RowType) logical;
        return new TableRowFields(row, fields.names(row.getFieldNames(), type));
    }

    @Override
    public List<String> names() {
        return names;
    }

    @Override
    public RecordField field(String name) {
        int at = names.indexOf(name);
        if (at < 0) {
            return null;
        }
        LogicalType value = type.getTypeAt(at);
        return new ObjectField(
                LogicalTypes.of(value), LogicalTypes.information(value), record -> ((Row) record).getField(at));
    }

    @Override
    public NestedField.Inner inner(String name) {
        int at = names.indexOf(name);
        if (at < 0 || !(type.getTypeAt(at) instanceof RowType)) {
            return null;
        }
        RowType inner = (RowType) type.getTypeAt(at);
        return new NestedField.Inner(
                record -> ((Row) record).getField(at), new TableRowFields(inner, inner.getFieldNames()));
    }
}
