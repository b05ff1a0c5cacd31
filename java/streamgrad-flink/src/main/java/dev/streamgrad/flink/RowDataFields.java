package dev.streamgrad.flink;

import dev.streamgrad.Field;
import dev.streamgrad.Row;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataTypeQueryable;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;

/** The fields of Flink SQL's internal rows, by the names in their row type. */
final class RowDataFields implements RecordFields {
    private final RowType type;

    private RowDataFields(RowType type) {
        this.type = type;
    }

    static RowDataFields of(TypeInformation<?> type) {
        LogicalType logical =
                type instanceof DataTypeQueryable ? ((DataTypeQueryable) type).getDataType().getLogicalType() : null;
        if (!(logical instanceof RowType)) {
            throw new IllegalArgumentException("map record: RowData has no names of its own, give the stream the type"
                    + " InternalTypeInfo.of(rowType), or give an encoder: the type is " + type);
        }
        return new RowDataFields((RowType) logical);
    }

    @Override
    public List<String> names() {
        return type.getFieldNames();
    }

    @Override
    public RecordField field(String name) {
        int at = type.getFieldIndex(name);
        return at < 0 ? null : new DataField(at, type.getTypeAt(at));
    }

    @Override
    public NestedField.Inner inner(String name) {
        int at = type.getFieldIndex(name);
        if (at < 0 || !(type.getTypeAt(at) instanceof RowType)) {
            return null;
        }
        RowType inner = (RowType) type.getTypeAt(at);
        return new NestedField.Inner(
                record -> ((RowData) record).isNullAt(at) ? null : ((RowData) record).getRow(at, inner.getFieldCount()),
                new RowDataFields(inner));
    }

    /** Sets a field of the row from a field that is not null. */
    private interface Copy {
        void copy(RowData record, Row row, int field);
    }

    private static final class DataField implements RecordField {
        private final int at;
        private final LogicalType logical;
        private final ValueType type;
        private final RowData.FieldGetter getter;

        DataField(int at, LogicalType logical) {
            this.at = at;
            this.logical = logical;
            this.type = LogicalTypes.of(logical);
            this.getter = RowData.createFieldGetter(logical, at);
        }

        @Override
        public ValueType type() {
            return type;
        }

        @Override
        public TypeInformation<?> information() {
            return LogicalTypes.information(logical);
        }

        @Override
        public Object get(Object record) {
            return LogicalTypes.external(getter.getFieldOrNull((RowData) record), logical);
        }

        @Override
        public FieldReader reader(Field field) {
            return new Reader(at, copy(field));
        }

        /** What is read for every record goes without an object where it can. */
        private Copy copy(Field field) {
            switch (logical.getTypeRoot()) {
                case BOOLEAN:
                    return (record, row, i) -> row.set(i, record.getBoolean(at));
                case TINYINT:
                    return (record, row, i) -> row.set(i, (long) record.getByte(at));
                case SMALLINT:
                    return (record, row, i) -> row.set(i, (long) record.getShort(at));
                case INTEGER:
                case DATE:
                case INTERVAL_YEAR_MONTH:
                    return (record, row, i) -> row.set(i, (long) record.getInt(at));
                case BIGINT:
                case INTERVAL_DAY_TIME:
                    return (record, row, i) -> row.set(i, record.getLong(at));
                case FLOAT:
                    return (record, row, i) -> row.set(i, (double) record.getFloat(at));
                case DOUBLE:
                    return (record, row, i) -> row.set(i, record.getDouble(at));
                case BINARY:
                case VARBINARY:
                    return (record, row, i) -> row.set(i, record.getBinary(at));
                case ARRAY:
                    return field.column().optional() ? object(field) : array(((ArrayType) logical).getElementType(), field);
                default:
                    return object(field);
            }
        }

        private Copy array(LogicalType element, Field field) {
            switch (element.getTypeRoot()) {
                case BOOLEAN:
                    return (record, row, i) -> row.set(i, (Object) array(record).toBooleanArray());
                case TINYINT:
                    return (record, row, i) -> row.set(i, array(record).toByteArray());
                case SMALLINT:
                    return (record, row, i) -> row.set(i, (Object) array(record).toShortArray());
                case INTEGER:
                    return (record, row, i) -> row.set(i, array(record).toIntArray());
                case BIGINT:
                    return (record, row, i) -> row.set(i, array(record).toLongArray());
                case FLOAT:
                    return (record, row, i) -> row.set(i, array(record).toFloatArray());
                case DOUBLE:
                    return (record, row, i) -> row.set(i, array(record).toDoubleArray());
                default:
                    return object(field);
            }
        }

        private ArrayData array(RowData record) {
            return LogicalTypes.whole(record.getArray(at));
        }

        private Copy object(Field field) {
            Values values = Values.of(type, field);
            Tick tick = type.tick();
            boolean gaps = field.column().optional();
            return (record, row, i) ->
                    row.set(i, values.plain(LogicalTypes.plain(getter.getFieldOrNull(record), logical, tick, gaps)));
        }
    }

    private static final class Reader implements FieldReader {
        private final int at;
        private final Copy copy;

        Reader(int at, Copy copy) {
            this.at = at;
            this.copy = copy;
        }

        @Override
        public void copy(Object record, Row row, int field) {
            if (isNull(record)) {
                row.set(field, (Object) null);
            } else {
                copy.copy((RowData) record, row, field);
            }
        }

        @Override
        public boolean isNull(Object record) {
            return ((RowData) record).isNullAt(at);
        }
    }
}
