package dev.streamgrad.flink;

import dev.streamgrad.Predictions;
import dev.streamgrad.flink.FlinkType.Carrier;
import java.io.IOException;
import java.lang.reflect.Array;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** The elements of one output for one row, in row-major order, none of them rounded. Plain data: immutable. */
final class OutputValues {
    private final Carrier carrier;
    /** {@code float[]}, {@code double[]}, {@code long[]} or {@code byte[][]}, by the carrier. */
    private final Object elements;

    private OutputValues(Carrier carrier, Object elements) {
        this.carrier = carrier;
        this.elements = elements;
    }

    static OutputValues of(Predictions.Output output, int row) {
        Carrier carrier = FlinkType.of(output.column().dtype()).carrier();
        if (carrier.isFloat()) {
            return new OutputValues(carrier, output.row(row));
        } else if (carrier.isDouble()) {
            return new OutputValues(carrier, output.doubles(row));
        } else if (carrier == Carrier.TEXT) {
            byte[][] strings = new byte[output.column().elements()][];
            for (int i = 0; i < strings.length; i++) {
                strings[i] = output.bytes(row, i);
            }
            return new OutputValues(carrier, strings);
        }
        long[] longs = new long[output.column().elements()];
        for (int i = 0; i < longs.length; i++) {
            longs[i] = output.longValue(row, i);
        }
        return new OutputValues(carrier, longs);
    }

    static OutputValues of(float... values) {
        return new OutputValues(Carrier.FLOAT, values);
    }

    int size() {
        return Array.getLength(elements);
    }

    boolean isText() {
        return carrier == Carrier.TEXT;
    }

    /** An element: a Float, Double or Long, a BigInteger if it may be beyond a long, of strings the bytes. */
    Object value(int element) {
        return isText() ? ((byte[][]) elements)[element] : number(element);
    }

    /** An element that is a number. */
    Number number(int element) {
        Number number = (Number) Array.get(elements, element);
        boolean beyond = carrier == Carrier.UNSIGNED && number.longValue() < 0;
        return beyond ? new BigInteger(Long.toUnsignedString(number.longValue())) : number;
    }

    /** A copy, each rounded to a float. */
    float[] floats() {
        if (carrier.isFloat()) {
            return ((float[]) elements).clone();
        }
        float[] floats = new float[size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = number(i).floatValue();
        }
        return floats;
    }

    /** A copy, whose elements are as they are. */
    byte[][] strings() {
        byte[][] copy = new byte[size()][];
        for (int i = 0; i < copy.length; i++) {
            copy[i] = ((byte[][]) elements)[i].clone();
        }
        return copy;
    }

    void write(DataOutputView out) throws IOException {
        out.writeByte(carrier.ordinal());
        out.writeInt(size());
        for (int i = 0; i < size(); i++) {
            if (carrier.isFloat()) {
                out.writeFloat(((float[]) elements)[i]);
            } else if (carrier.isDouble()) {
                out.writeDouble(((double[]) elements)[i]);
            } else if (isText()) {
                byte[] string = ((byte[][]) elements)[i];
                out.writeInt(string.length);
                out.write(string);
            } else {
                out.writeLong(((long[]) elements)[i]);
            }
        }
    }

    static OutputValues read(DataInputView in) throws IOException {
        Carrier carrier = Carrier.values()[in.readByte()];
        int size = in.readInt();
        if (carrier == Carrier.TEXT) {
            byte[][] strings = new byte[size][];
            for (int i = 0; i < size; i++) {
                strings[i] = new byte[in.readInt()];
                in.readFully(strings[i]);
            }
            return new OutputValues(carrier, strings);
        }
        Object elements = carrier.isFloat() ? new float[size] : carrier.isDouble() ? new double[size] : new long[size];
        for (int i = 0; i < size; i++) {
            if (carrier.isFloat()) {
                ((float[]) elements)[i] = in.readFloat();
            } else if (carrier.isDouble()) {
                ((double[]) elements)[i] = in.readDouble();
            } else {
                ((long[]) elements)[i] = in.readLong();
            }
        }
        return new OutputValues(carrier, elements);
    }

    /** Whether carrier and every bit are the same. */
    @Override
    public boolean equals(Object other) {
        return other instanceof OutputValues
                && carrier == ((OutputValues) other).carrier
                && Objects.deepEquals(elements, ((OutputValues) other).elements);
    }

    @Override
    public int hashCode() {
        return size();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("[");
        for (int i = 0; i < size(); i++) {
            text.append(i == 0 ? "" : ", ").append(isText() ? new String((byte[]) value(i), StandardCharsets.UTF_8) : value(i));
        }
        return text.append(']').toString();
    }
}
