package dev.streamgrad;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;

/**
 * Writes one number as an element of a column, or refuses it: no conversion loses more than the rounding of a float.
 *
 * <p>A float column, and a part of a complex number, takes any number within its range, rounded to the nearest; an integer
 * column takes whole numbers within its range; a bool column takes 0 and 1. Nothing takes infinity, NaN only a column whose
 * values may be missing, and a label only what the loss allows.
 */
final class Cells {
    private Cells() {}

    static void put(ByteBuffer slab, int at, Field field, double value) {
        if (!Double.isFinite(value) && !(field.column().optional() && Double.isNaN(value))) {
            throw refuse("a value has to be finite", field, value);
        }
        DType dtype = field.column().dtype();
        switch (dtype) {
            case FLOAT16:
            case BFLOAT16:
                allow(field, value);
                slab.putShort(at, half(field, value));
                return;
            case FLOAT32:
            case COMPLEX64:
                allow(field, value);
                float rounded = (float) value;
                if (Float.isInfinite(rounded)) {
                    throw refuse("a value is too large for " + dtype, field, value);
                }
                slab.putFloat(at, rounded);
                return;
            case FLOAT64:
            case COMPLEX128:
                allow(field, value);
                slab.putDouble(at, value);
                return;
            default:
                // 2^63 itself is the first double that no long can hold.
                if (value != Math.rint(value) || value >= 0x1p63 || value < -0x1p63) {
                    throw refuse("a value does not fit " + dtype, field, value);
                }
                put(slab, at, field, (long) value);
        }
    }

    static void put(ByteBuffer slab, int at, Field field, long value) {
        DType dtype = field.column().dtype();
        allow(field, value);
        switch (dtype) {
            case FLOAT16:
            case BFLOAT16:
                slab.putShort(at, half(field, value));
                return;
            case FLOAT32:
            case COMPLEX64:
                slab.putFloat(at, value);
                return;
            case FLOAT64:
            case COMPLEX128:
                slab.putDouble(at, value);
                return;
            case INT8:
                slab.put(at, (byte) within(field, value, Byte.MIN_VALUE, Byte.MAX_VALUE));
                return;
            case INT16:
                slab.putShort(at, (short) within(field, value, Short.MIN_VALUE, Short.MAX_VALUE));
                return;
            case INT32:
                slab.putInt(at, (int) within(field, value, Integer.MIN_VALUE, Integer.MAX_VALUE));
                return;
            case INT64:
                slab.putLong(at, value);
                return;
            case UINT8:
                slab.put(at, (byte) within(field, value, 0, 0xFF));
                return;
            case UINT16:
                slab.putShort(at, (short) within(field, value, 0, 0xFFFF));
                return;
            case UINT32:
                slab.putInt(at, (int) within(field, value, 0, 0xFFFF_FFFFL));
                return;
            case UINT64:
                slab.putLong(at, within(field, value, 0, Long.MAX_VALUE));
                return;
            case BOOL:
                slab.put(at, (byte) within(field, value, 0, 1));
                return;
            default:
                throw refuse("a string field takes a String or a byte[], not a number", field, value);
        }
    }

    private static short half(Field field, double value) {
        Half half = field.column().dtype() == DType.FLOAT16 ? Half.FLOAT16 : Half.BFLOAT16;
        short bits = half.bits(value);
        if (Float.isInfinite(half.number(bits))) {
            throw refuse("a value is too large for " + field.column().dtype(), field, value);
        }
        return bits;
    }

    /** A whole number that a double might round, as what an integer column holds; any other as it is. */
    static Number exact(Field place, BigDecimal value) {
        // Digits before the point: a large exponent must not become a number of as many digits.
        if ((long) value.precision() - value.scale() > 20 || value.stripTrailingZeros().scale() > 0) {
            return value;
        }
        BigInteger whole = value.toBigInteger();
        return whole.bitLength() < Long.SIZE || unsigned(place, whole) ? whole : value;
    }

    /** Whether it is one of the numbers that a uint64 holds and a long does not. */
    static boolean unsigned(Field place, BigInteger value) {
        return place.column().dtype() == DType.UINT64 && value.signum() > 0 && value.bitLength() == Long.SIZE;
    }

    private static long within(Field field, long value, long lowest, long highest) {
        if (value < lowest || value > highest) {
            throw refuse("a value does not fit " + field.column().dtype(), field, value);
        }
        return value;
    }

    private static void allow(Field field, double value) {
        Column column = field.column();
        if (!column.allows(value)) {
            throw refuse(
                    "the loss allows labels from " + column.lowestOrInfinity() + " to " + column.highestOrInfinity(),
                    field,
                    value);
        }
    }

    private static InvalidInputException refuse(String why, Field field, Object value) {
        return new InvalidInputException("set field: " + why + ": " + field + " is " + value);
    }
}
