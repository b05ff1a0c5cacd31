package dev.streamgrad.flink;

import dev.streamgrad.DType;
import dev.streamgrad.Field;
import dev.streamgrad.Row;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataTypeQueryable;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.DecimalType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeFamily;
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
    public FieldReader reader(Field field) {
        int at = type.getFieldIndex(field.name());
        return at < 0 ? null : new Reader(at, reader(field, type.getTypeAt(at), at));
    }

    /** Sets a field of the row from a field that is not null. */
    private interface Copy {
        void copy(RowData record, Row row, int field);
    }

    private Copy reader(Field field, LogicalType value, int at) {
        boolean string = field.column().dtype() == DType.STRING;
        switch (value.getTypeRoot()) {
            case CHAR:
            case VARCHAR:
                return string ? (record, row, i) -> row.set(i, record.getString(at).toBytes()) : refuse(field, value);
            case BINARY:
            case VARBINARY:
                return (record, row, i) -> row.set(i, record.getBinary(at));
            case ARRAY:
                return array(field, (ArrayType) value, at);
            default:
                return string || field.elements() > 1 ? refuse(field, value) : number(field, value, at);
        }
    }

    private Copy number(Field field, LogicalType value, int at) {
        switch (value.getTypeRoot()) {
            case BOOLEAN:
                return (record, row, i) -> row.set(i, record.getBoolean(at));
            case TINYINT:
                return (record, row, i) -> row.set(i, (long) record.getByte(at));
            case SMALLINT:
                return (record, row, i) -> row.set(i, (long) record.getShort(at));
            case INTEGER:
                return (record, row, i) -> row.set(i, (long) record.getInt(at));
            case BIGINT:
                return (record, row, i) -> row.set(i, record.getLong(at));
            case FLOAT:
                return (record, row, i) -> row.set(i, (double) record.getFloat(at));
            case DOUBLE:
                return (record, row, i) -> row.set(i, record.getDouble(at));
            case DECIMAL:
                DecimalType decimal = (DecimalType) value;
                int precision = decimal.getPrecision();
                int scale = decimal.getScale();
                return (record, row, i) -> row.set(i, record.getDecimal(at, precision, scale).toBigDecimal());
            default:
                return refuse(field, value);
        }
    }

    private Copy array(Field field, ArrayType value, int at) {
        LogicalType element = value.getElementType();
        boolean strings = element.isAnyOf(LogicalTypeFamily.CHARACTER_STRING, LogicalTypeFamily.BINARY_STRING);
        if (strings != (field.column().dtype() == DType.STRING)) {
            return refuse(field, value);
        }
        switch (element.getTypeRoot()) {
            case BOOLEAN:
                return (record, row, i) -> row.set(i, (Object) whole(record.getArray(at)).toBooleanArray());
            case SMALLINT:
                return (record, row, i) -> row.set(i, (Object) whole(record.getArray(at)).toShortArray());
            case INTEGER:
                return (record, row, i) -> row.set(i, whole(record.getArray(at)).toIntArray());
            case BIGINT:
                return (record, row, i) -> row.set(i, whole(record.getArray(at)).toLongArray());
            case FLOAT:
                return (record, row, i) -> row.set(i, whole(record.getArray(at)).toFloatArray());
            case DOUBLE:
                return (record, row, i) -> row.set(i, whole(record.getArray(at)).toDoubleArray());
            case TINYINT:
                return (record, row, i) -> row.set(i, whole(record.getArray(at)).toByteArray());
            case CHAR:
            case VARCHAR:
                return (record, row, i) -> row.set(i, strings(whole(record.getArray(at)), true));
            case BINARY:
            case VARBINARY:
                return (record, row, i) -> row.set(i, strings(whole(record.getArray(at)), false));
            default:
                return refuse(field, value);
        }
    }

    private static ArrayData whole(ArrayData array) {
        for (int i = 0; i < array.size(); i++) {
            if (array.isNullAt(i)) {
                throw new IllegalArgumentException("an array has a null, fill it in: element " + i);
            }
        }
        return array;
    }

    private static Object strings(ArrayData array, boolean text) {
        byte[][] strings = new byte[array.size()][];
        for (int i = 0; i < strings.length; i++) {
            strings[i] = text ? array.getString(i).toBytes() : array.getBinary(i);
        }
        return strings;
    }

    private static Copy refuse(Field field, LogicalType value) {
        throw new IllegalArgumentException("map record: the model needs " + field.column() + ", cast the column in SQL or"
                + " give an encoder: " + field + " is " + value);
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
