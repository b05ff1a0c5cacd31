package dev.streamgrad.flink;

import dev.streamgrad.flink.ValueType.Kind;
import java.lang.reflect.Array;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.DistinctType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;

/** What the types of Flink SQL say of values, and what their internal values are outside of it. */
final class LogicalTypes {
    private LogicalTypes() {}

    static ValueType of(LogicalType type) {
        String text = type.asSummaryString();
        switch (type.getTypeRoot()) {
            case BOOLEAN:
                return ValueType.of(Kind.BOOLEAN, text);
            case TINYINT:
            case SMALLINT:
            case INTEGER:
            case BIGINT:
            case FLOAT:
            case DOUBLE:
            case DECIMAL:
                return ValueType.of(Kind.NUMBER, text);
            case CHAR:
            case VARCHAR:
                return ValueType.of(Kind.TEXT, text);
            case BINARY:
            case VARBINARY:
                return ValueType.of(Kind.BYTES, text);
            case DATE:
                return ValueType.time(Tick.DAYS, text);
            case INTERVAL_YEAR_MONTH:
                return ValueType.time(Tick.MONTHS, text);
            case INTERVAL_DAY_TIME:
                return ValueType.time(Tick.MILLIS, text); // whatever its precision, that is what SQL keeps
            case TIME_WITHOUT_TIME_ZONE:
            case TIMESTAMP_WITHOUT_TIME_ZONE:
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                return ValueType.time(Tick.ofPrecision(LogicalTypeChecks.getPrecision(type)), text);
            case ARRAY:
                return ValueType.array(of(((ArrayType) type).getElementType()), text);
            case DISTINCT_TYPE:
                return of(((DistinctType) type).getSourceType());
            default:
                return ValueType.of(Kind.OTHER, text);
        }
    }

    /** What a model's row takes of an internal value; of an array with nulls only if values may be missing. */
    static Object plain(Object value, LogicalType type, Tick tick, boolean gaps) {
        if (value == null) {
            return null;
        } else if (value instanceof StringData) {
            return ((StringData) value).toBytes();
        } else if (value instanceof DecimalData) {
            return ((DecimalData) value).toBigDecimal();
        } else if (value instanceof TimestampData) {
            TimestampData time = (TimestampData) value;
            return tick.ofMillis(time.getMillisecond(), time.getNanoOfMillisecond());
        } else if (value instanceof ArrayData) {
            ArrayData array = gaps ? (ArrayData) value : whole((ArrayData) value);
            LogicalType element = ((ArrayType) type).getElementType();
            ArrayData.ElementGetter getter = ArrayData.createElementGetter(element);
            List<Object> plain = new ArrayList<>(array.size());
            for (int i = 0; i < array.size(); i++) {
                plain.add(plain(getter.getElementOrNull(array, i), element, tick, gaps));
            }
            return plain;
        }
        boolean ofDay = type.getTypeRoot() == LogicalTypeRoot.TIME_WITHOUT_TIME_ZONE;
        return ofDay ? (Object) tick.ofMillis((Integer) value, 0) : value;
    }

    static ArrayData whole(ArrayData array) {
        for (int i = 0; i < array.size(); i++) {
            if (array.isNullAt(i)) {
                throw new IllegalArgumentException("an array has a null, fill it in: element " + i);
            }
        }
        return array;
    }

    /** The type of a column of a {@code Row} with such values, or null if there is none. */
    static TypeInformation<?> information(LogicalType type) {
        switch (type.getTypeRoot()) {
            case BOOLEAN:
                return Types.BOOLEAN;
            case TINYINT:
                return Types.BYTE;
            case SMALLINT:
                return Types.SHORT;
            case INTEGER:
                return Types.INT;
            case BIGINT:
                return Types.LONG;
            case FLOAT:
                return Types.FLOAT;
            case DOUBLE:
                return Types.DOUBLE;
            case DECIMAL:
                return Types.BIG_DEC;
            case CHAR:
            case VARCHAR:
                return Types.STRING;
            case BINARY:
            case VARBINARY:
                return Types.PRIMITIVE_ARRAY(Types.BYTE);
            case DATE:
                return Types.LOCAL_DATE;
            case TIME_WITHOUT_TIME_ZONE:
                return Types.LOCAL_TIME;
            case TIMESTAMP_WITHOUT_TIME_ZONE:
                return Types.LOCAL_DATE_TIME;
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                return Types.INSTANT;
            case ARRAY:
                TypeInformation<?> element = information(((ArrayType) type).getElementType());
                return element == null ? null : Types.OBJECT_ARRAY(element);
            case DISTINCT_TYPE:
                return information(((DistinctType) type).getSourceType());
            default:
                return null;
        }
    }

    /** An internal value as {@link #information} says; null stays null. */
    static Object external(Object value, LogicalType type) {
        if (value == null) {
            return null;
        }
        switch (type.getTypeRoot()) {
            case CHAR:
            case VARCHAR:
                return value.toString();
            case DECIMAL:
                return ((DecimalData) value).toBigDecimal();
            case DATE:
                return LocalDate.ofEpochDay((Integer) value);
            case TIME_WITHOUT_TIME_ZONE:
                return LocalTime.ofNanoOfDay((Integer) value * 1_000_000L);
            case TIMESTAMP_WITHOUT_TIME_ZONE:
                return ((TimestampData) value).toLocalDateTime();
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                return ((TimestampData) value).toInstant();
            case ARRAY:
                LogicalType element = ((ArrayType) type).getElementType();
                ArrayData from = (ArrayData) value;
                ArrayData.ElementGetter getter = ArrayData.createElementGetter(element);
                Object to = Array.newInstance(information(element).getTypeClass(), from.size());
                for (int i = 0; i < from.size(); i++) {
                    Array.set(to, i, external(getter.getElementOrNull(from, i), element));
                }
                return to;
            case DISTINCT_TYPE:
                return external(value, ((DistinctType) type).getSourceType());
            default:
                return value;
        }
    }
}
