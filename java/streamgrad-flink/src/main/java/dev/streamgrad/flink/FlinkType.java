package dev.streamgrad.flink;

import dev.streamgrad.DType;
import dev.streamgrad.flink.ValueType.Kind;
import java.lang.invoke.MethodType;
import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;

/**
 * What Flink has for each of TensorFlow's types, in both directions: one line a type. {@code docs/types.md} shows it.
 * Immutable, safe for use by several threads.
 */
final class FlinkType {
    private static final Set<Kind> REAL = EnumSet.of(Kind.NUMBER, Kind.BOOLEAN);
    private static final Set<Kind> WHOLE = EnumSet.of(Kind.NUMBER, Kind.BOOLEAN, Kind.TIME);
    /** Java's byte arrays and SQL's binary strings are arrays of these, too. */
    private static final Set<Kind> BYTE = EnumSet.of(Kind.NUMBER, Kind.BOOLEAN, Kind.TIME, Kind.BYTES);
    private static final Set<Kind> TRUTH = EnumSet.of(Kind.NUMBER, Kind.BOOLEAN);

    private static final Map<DType, FlinkType> ALL = new EnumMap<>(DType.class);

    static {
        number(DType.FLOAT16, REAL, Carrier.FLOAT, Types.FLOAT, value -> value);
        number(DType.BFLOAT16, REAL, Carrier.FLOAT, Types.FLOAT, value -> value);
        number(DType.FLOAT32, REAL, Carrier.FLOAT, Types.FLOAT, value -> value);
        number(DType.FLOAT64, REAL, Carrier.DOUBLE, Types.DOUBLE, value -> value);
        number(DType.COMPLEX64, REAL, Carrier.FLOAT_PAIR, Types.FLOAT, value -> value);
        number(DType.COMPLEX128, REAL, Carrier.DOUBLE_PAIR, Types.DOUBLE, value -> value);
        number(DType.INT8, BYTE, Carrier.LONG, Types.BYTE, Number::byteValue);
        number(DType.INT16, WHOLE, Carrier.LONG, Types.SHORT, Number::shortValue);
        number(DType.INT32, WHOLE, Carrier.LONG, Types.INT, Number::intValue);
        number(DType.INT64, WHOLE, Carrier.LONG, Types.LONG, value -> value);
        number(DType.UINT8, BYTE, Carrier.LONG, Types.SHORT, Number::shortValue);
        number(DType.UINT16, WHOLE, Carrier.LONG, Types.INT, Number::intValue);
        number(DType.UINT32, WHOLE, Carrier.LONG, Types.LONG, value -> value);
        number(DType.UINT64, WHOLE, Carrier.UNSIGNED, Types.BIG_DEC, value -> new BigDecimal(value.toString()));
        number(DType.BOOL, TRUTH, Carrier.LONG, Types.BOOLEAN, value -> value.longValue() != 0);
        ALL.put(
                DType.STRING,
                new FlinkType(
                        EnumSet.of(Kind.TEXT, Kind.BYTES),
                        Carrier.TEXT,
                        Types.STRING,
                        value -> new String((byte[]) value, StandardCharsets.UTF_8)));
    }

    private final Set<Kind> filledBy;
    private final Carrier carrier;
    private final TypeInformation<?> scalar;
    private final Function<Object, Object> value;

    private FlinkType(Set<Kind> filledBy, Carrier carrier, TypeInformation<?> scalar, Function<Object, Object> value) {
        this.filledBy = filledBy;
        this.carrier = carrier;
        this.scalar = scalar;
        this.value = value;
    }

    private static void number(
            DType dtype, Set<Kind> filledBy, Carrier carrier, TypeInformation<?> scalar, Function<Number, Object> value) {
        ALL.put(dtype, new FlinkType(filledBy, carrier, scalar, given -> value.apply((Number) given)));
    }

    /** Where an output's values wait until they are wanted as something, wide enough for each of them. */
    enum Carrier {
        FLOAT,
        /** Two for each element: the real and the imaginary part. */
        FLOAT_PAIR,
        DOUBLE,
        /** Two for each element. */
        DOUBLE_PAIR,
        LONG,
        UNSIGNED,
        /** Bytes, of which text is UTF-8. */
        TEXT;

        boolean isPair() {
            return this == FLOAT_PAIR || this == DOUBLE_PAIR;
        }

        boolean isFloat() {
            return this == FLOAT || this == FLOAT_PAIR;
        }

        boolean isDouble() {
            return this == DOUBLE || this == DOUBLE_PAIR;
        }
    }

    static FlinkType of(DType dtype) {
        FlinkType type = ALL.get(dtype);
        if (type == null) {
            throw new IllegalArgumentException("map record: Flink has no type for this dtype, give an encoder: " + dtype);
        }
        return type;
    }

    /** Whether values of this kind fill a field. */
    boolean isFilledBy(Kind kind) {
        return kind == Kind.ANY || filledBy.contains(kind);
    }

    /** Whether an element is two numbers. */
    boolean isPair() {
        return carrier.isPair();
    }

    boolean isText() {
        return carrier == Carrier.TEXT;
    }

    /** Where the values of an output are kept. */
    Carrier carrier() {
        return carrier;
    }

    /** The type of an output of this shape: a single value's, or that of arrays within each other. */
    TypeInformation<?> output(int[] shape) {
        TypeInformation<?> type = scalar;
        for (int i = dimensions(shape).length; i > 0; i--) {
            boolean primitive = type == scalar && unboxed().isPrimitive();
            type = primitive ? PrimitiveArrayTypeInfo.getInfoFor(arrayOf(unboxed())) : Types.OBJECT_ARRAY(type);
        }
        return type;
    }

    /** As {@link #output} says it. */
    Object value(OutputValues values, int[] shape) {
        int[] dimensions = dimensions(shape);
        return dimensions.length == 0 ? value.apply(values.value(0)) : nested(values, dimensions, 0, 0, values.size());
    }

    /** The array of one dimension, whose elements begin at {@code from}. */
    private Object nested(OutputValues values, int[] dimensions, int dimension, int from, int size) {
        Class<?> element = unboxed();
        for (int i = dimensions.length - 1; i > dimension; i--) {
            element = arrayOf(element);
        }
        boolean last = dimension == dimensions.length - 1;
        int step = size / dimensions[dimension];
        Object array = Array.newInstance(element, dimensions[dimension]);
        for (int i = 0; i < dimensions[dimension]; i++) {
            int at = from + i * step;
            Array.set(array, i, last ? value.apply(values.value(at)) : nested(values, dimensions, dimension + 1, at, step));
        }
        return array;
    }

    /** The lengths of arrays within each other: none for one element, and one more where an element is a pair. */
    private int[] dimensions(int[] shape) {
        int rank = Arrays.stream(shape).allMatch(dimension -> dimension == 1) ? 0 : shape.length;
        int[] dimensions = Arrays.copyOf(shape, rank + (isPair() ? 1 : 0));
        if (isPair()) {
            dimensions[rank] = 2;
        }
        return dimensions;
    }

    /** The class of an array's elements; bytes stay in their boxes, for to SQL a {@code byte[]} is one value. */
    private Class<?> unboxed() {
        return scalar == Types.BYTE ? Byte.class : MethodType.methodType(scalar.getTypeClass()).unwrap().returnType();
    }

    private static Class<?> arrayOf(Class<?> element) {
        return Array.newInstance(element, 0).getClass();
    }
}
