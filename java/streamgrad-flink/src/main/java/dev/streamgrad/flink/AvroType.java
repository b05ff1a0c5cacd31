package dev.streamgrad.flink;

import dev.streamgrad.flink.ValueType.Kind;
import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.avro.LogicalType;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericFixed;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;

/** What an Avro type says of values, and what they are in Java whichever way Avro read them. Immutable. */
final class AvroType {
    private final ValueType values;
    /** Null: no column can have it. */
    private final TypeInformation<?> information;
    /** Of a value that is not null. */
    private final Function<Object, Object> java;

    private AvroType(ValueType values, TypeInformation<?> information, Function<Object, Object> java) {
        this.values = values;
        this.information = information;
        this.java = java;
    }

    private static AvroType of(Kind kind, String text, TypeInformation<?> information, Function<Object, Object> java) {
        return new AvroType(ValueType.of(kind, text), information, java);
    }

    static AvroType of(Schema schema) {
        String logical = logical(schema);
        String text = logical.isEmpty() ? schema.getType().getName() : schema.getType().getName() + " (" + logical + ")";
        switch (schema.getType()) {
            case BOOLEAN:
                return of(Kind.BOOLEAN, text, Types.BOOLEAN, value -> value);
            case INT:
            case LONG:
                return whole(schema, logical, text);
            case FLOAT:
                return of(Kind.NUMBER, text, Types.FLOAT, value -> value);
            case DOUBLE:
                return of(Kind.NUMBER, text, Types.DOUBLE, value -> value);
            case STRING:
            case ENUM:
                return of(Kind.TEXT, text, Types.STRING, Object::toString);
            case BYTES:
            case FIXED:
                return logical.equals("decimal") ? decimal(schema, text) : bytes(logical, text);
            case ARRAY:
                return array(of(schema.getElementType()));
            case UNION:
                return union(schema);
            default:
                return of(Kind.OTHER, text, null, value -> value);
        }
    }

    private static String logical(Schema schema) {
        LogicalType type = schema.getLogicalType();
        String name = type != null ? type.getName() : schema.getProp(LogicalType.LOGICAL_TYPE_PROP);
        return name == null ? "" : name;
    }

    /** A number, or a time, which a generated class may have as Java's. */
    private static AvroType whole(Schema schema, String logical, String text) {
        switch (logical) {
            case "date":
                return new AvroType(
                        ValueType.time(Tick.DAYS, text),
                        Types.LOCAL_DATE,
                        value -> value instanceof Number ? LocalDate.ofEpochDay(((Number) value).longValue()) : value);
            case "time-millis":
                return time(Tick.MILLIS, 1_000, text);
            case "time-micros":
                return time(Tick.MICROS, 1_000_000, text);
            case "timestamp-millis":
                return instant(Tick.MILLIS, 1_000, text);
            case "timestamp-micros":
                return instant(Tick.MICROS, 1_000_000, text);
            case "timestamp-nanos":
                return instant(Tick.NANOS, 1_000_000_000, text);
            case "local-timestamp-millis":
                return local(Tick.MILLIS, 1_000, text);
            case "local-timestamp-micros":
                return local(Tick.MICROS, 1_000_000, text);
            case "local-timestamp-nanos":
                return local(Tick.NANOS, 1_000_000_000, text);
            default:
                return of(Kind.NUMBER, text, schema.getType() == Schema.Type.INT ? Types.INT : Types.LONG, value -> value);
        }
    }

    private static AvroType time(Tick tick, long perSecond, String text) {
        return new AvroType(ValueType.time(tick, text), Types.LOCAL_TIME, value -> value instanceof Number
                ? LocalTime.ofNanoOfDay(((Number) value).longValue() * (1_000_000_000 / perSecond))
                : value);
    }

    private static AvroType instant(Tick tick, long perSecond, String text) {
        return new AvroType(
                ValueType.time(tick, text),
                Types.INSTANT,
                value -> value instanceof Number ? instant(((Number) value).longValue(), perSecond) : value);
    }

    private static AvroType local(Tick tick, long perSecond, String text) {
        return new AvroType(ValueType.time(tick, text), Types.LOCAL_DATE_TIME, value -> value instanceof Number
                ? LocalDateTime.ofInstant(instant(((Number) value).longValue(), perSecond), ZoneOffset.UTC)
                : value);
    }

    private static Instant instant(long time, long perSecond) {
        long nanos = Math.floorMod(time, perSecond) * (1_000_000_000 / perSecond);
        return Instant.ofEpochSecond(Math.floorDiv(time, perSecond), nanos);
    }

    private static AvroType decimal(Schema schema, String text) {
        int scale = ((LogicalTypes.Decimal) schema.getLogicalType()).getScale();
        return of(
                Kind.NUMBER,
                text,
                Types.BIG_DEC,
                value -> value instanceof BigDecimal ? value : new BigDecimal(new BigInteger(bytes(value)), scale));
    }

    /** A logical type that is unknown here, as a duration of three numbers, is not taken for bytes. */
    private static AvroType bytes(String logical, String text) {
        Kind kind = logical.isEmpty() ? Kind.BYTES : Kind.OTHER;
        return of(kind, text, Types.PRIMITIVE_ARRAY(Types.BYTE), AvroType::bytes);
    }

    private static byte[] bytes(Object value) {
        if (value instanceof GenericFixed) {
            return ((GenericFixed) value).bytes();
        }
        ByteBuffer view = ((ByteBuffer) value).duplicate();
        byte[] bytes = new byte[view.remaining()];
        view.get(bytes);
        return bytes;
    }

    private static AvroType array(AvroType element) {
        ValueType values = ValueType.array(element.values, "array of " + element.values);
        Class<?> type = element.information == null ? Object.class : element.information.getTypeClass();
        TypeInformation<?> information = element.information == null ? null : Types.OBJECT_ARRAY(element.information);
        return new AvroType(values, information, value -> {
            List<?> from = (List<?>) value;
            Object[] to = (Object[]) Array.newInstance(type, from.size());
            for (int i = 0; i < to.length; i++) {
                to[i] = element.java(from.get(i));
            }
            return to;
        });
    }

    /** What values have that are not null: a union's one type, or the type itself; null if there are several. */
    static Schema present(Schema schema) {
        if (!schema.isUnion()) {
            return schema;
        }
        List<Schema> types = schema.getTypes().stream()
                .filter(type -> type.getType() != Schema.Type.NULL)
                .collect(Collectors.toList());
        return types.size() == 1 ? types.get(0) : null;
    }

    /** A type or null; of several types no column is made. */
    private static AvroType union(Schema schema) {
        Schema type = present(schema);
        return type != null ? of(type) : of(Kind.OTHER, schema.toString(), null, value -> value);
    }

    ValueType values() {
        return values;
    }

    /** The type of a column of a {@code Row} with such values, or null if there is none. */
    TypeInformation<?> information() {
        return information;
    }

    /** A value as {@link #information} says; null stays null. */
    Object java(Object value) {
        return value == null ? null : java.apply(value);
    }
}
