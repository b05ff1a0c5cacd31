package dev.streamgrad.flink;

import dev.streamgrad.flink.ValueType.Kind;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.nio.ByteBuffer;
import java.util.Collection;

/** What Java's types say of values. */
final class ClassTypes {
    private ClassTypes() {}

    static ValueType of(Type type) {
        String text = type.getTypeName();
        if (type instanceof ParameterizedType) {
            ParameterizedType parameterized = (ParameterizedType) type;
            Class<?> raw = (Class<?>) parameterized.getRawType();
            boolean elements = Collection.class.isAssignableFrom(raw) && parameterized.getActualTypeArguments().length == 1;
            return elements ? ValueType.array(of(parameterized.getActualTypeArguments()[0]), text) : of(raw);
        } else if (type instanceof TypeVariable || type instanceof WildcardType || !(type instanceof Class)) {
            return ValueType.of(Kind.ANY, text);
        }
        Class<?> value = (Class<?>) type;
        if (value == byte[].class || ByteBuffer.class.isAssignableFrom(value)) {
            return ValueType.of(Kind.BYTES, text);
        } else if (value.isArray()) {
            return ValueType.array(of(value.getComponentType()), text);
        } else if (Collection.class.isAssignableFrom(value)) {
            return ValueType.array(ValueType.of(Kind.ANY, "?"), text);
        }
        Tick tick = Tick.ofClass(value);
        return tick != null ? ValueType.time(tick, text) : ValueType.of(kind(value), text);
    }

    private static Kind kind(Class<?> value) {
        if (value == boolean.class || value == Boolean.class) {
            return Kind.BOOLEAN;
        } else if (CharSequence.class.isAssignableFrom(value)
                || value == char.class
                || value == Character.class
                || value.isEnum()) {
            return Kind.TEXT;
        } else if (value.isPrimitive() || Number.class.isAssignableFrom(value)) {
            return Kind.NUMBER;
        }
        return value == Object.class ? Kind.ANY : Kind.OTHER;
    }
}
