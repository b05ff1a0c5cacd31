package dev.streamgrad;

/** Floats of two bytes as bits: IEEE 754's float16, and bfloat16, the upper half of a float. */
final class Half {
    static final Half FLOAT16 = new Half(10, 15);
    static final Half BFLOAT16 = new Half(7, 127);

    private final int fraction;
    private final int bias;

    private Half(int fraction, int bias) {
        this.fraction = fraction;
        this.bias = bias;
    }

    /** The bits of the nearest such number, of the even one of two; infinity beyond the largest. */
    short bits(double value) {
        double size = Math.abs(value);
        int sign = Double.doubleToRawLongBits(value) < 0 ? 0x8000 : 0;
        if (Double.isNaN(value)) {
            return (short) (infinity() + 1);
        }
        // A fraction that is rounded up to the next power of two carries into the exponent, and that into infinity.
        int exponent = Math.max(Math.min(Math.getExponent(size), bias + 1), 1 - bias);
        double scaled = Math.min(Math.rint(Math.scalb(size, fraction - exponent)), 1L << 32);
        long bits = ((long) (exponent + bias - 1) << fraction) + (long) scaled;
        return (short) (sign | (int) Math.min(bits, infinity()));
    }

    /** The number that these are the bits of. */
    float number(short bits) {
        int size = bits & 0x7FFF;
        int low = size & ((1 << fraction) - 1);
        int exponent = size >> fraction;
        float number;
        if (size >= infinity()) {
            number = low == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
        } else if (exponent == 0) {
            number = Math.scalb((float) low, 1 - bias - fraction);
        } else {
            number = Math.scalb((float) (low + (1 << fraction)), exponent - bias - fraction);
        }
        return bits < 0 ? -number : number;
    }

    private int infinity() {
        return 2 * bias + 1 << fraction;
    }
}
