package dev.streamgrad.flink;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Label values as they travel: brought to a few immutable-by-convention forms, so that a label is the same before and
 * after a checkpoint and two labels can be compared.
 *
 * <p>The forms: {@code Boolean}, {@code Long}, {@code Double}, {@code String}, {@code byte[]}, {@code int[]},
 * {@code long[]}, {@code float[]}, {@code double[]}, {@code Object[]} of forms, and a sorted map from label field to
 * form. Stateless.
 */
final class Labels {
    private static final int BOOLEAN = 1;
    private static final int LONG = 2;
    private static final int DOUBLE = 3;
    private static final int STRING = 4;
    private static final int BYTES = 5;
    private static final int INTS = 6;
    private static final int LONGS = 7;
    private static final int FLOATS = 8;
    private static final int DOUBLES = 9;
    private static final int OBJECTS = 10;
    private static final int MAP = 11;

    private Labels() {}

    /** The form of what a user gave; arrays are copied, since records may be re-used. */
    static Object checked(Object label) {
        Objects.requireNonNull(label, "label");
        if (label instanceof Boolean || label instanceof Long || label instanceof Double || label instanceof String) {
            return label;
        } else if (label instanceof Integer || label instanceof Short || label instanceof Byte) {
            return ((Number) label).longValue();
        } else if (label instanceof Float || label instanceof BigDecimal) {
            return ((Number) label).doubleValue();
        } else if (label instanceof CharSequence) {
            return label.toString();
        } else if (label instanceof byte[]) {
            return ((byte[]) label).clone();
        } else if (label instanceof int[]) {
            return ((int[]) label).clone();
        } else if (label instanceof long[]) {
            return ((long[]) label).clone();
        } else if (label instanceof float[]) {
            return ((float[]) label).clone();
        } else if (label instanceof double[]) {
            return ((double[]) label).clone();
        } else if (label instanceof Object[]) {
            return Arrays.stream((Object[]) label).map(Labels::checked).toArray();
        } else if (label instanceof List) {
            return ((List<?>) label).stream().map(Labels::checked).toArray();
        } else if (label instanceof Map) {
            TreeMap<String, Object> map = new TreeMap<>();
            ((Map<?, ?>) label).forEach((field, value) -> map.put((String) field, checked(value)));
            return Collections.unmodifiableMap(map);
        }
        throw new IllegalArgumentException("take label: give a number, boolean, string, an array or list of these, or a"
                + " map from label field to them, not a " + label.getClass().getName());
    }

    /** Whether two forms are the same label. */
    static boolean same(Object a, Object b) {
        if (a instanceof Map && b instanceof Map) {
            Map<?, ?> left = (Map<?, ?>) a;
            Map<?, ?> right = (Map<?, ?>) b;
            return left.keySet().equals(right.keySet())
                    && left.keySet().stream().allMatch(field -> same(left.get(field), right.get(field)));
        }
        return Objects.deepEquals(a, b);
    }

    /** For messages and logs. */
    static String text(Object label) {
        String wrapped = Arrays.deepToString(new Object[] {label});
        return wrapped.substring(1, wrapped.length() - 1);
    }

    static void writeNullable(Object label, DataOutputView out) throws IOException {
        if (label == null) {
            out.writeByte(0);
        } else {
            write(label, out);
        }
    }

    private static void write(Object label, DataOutputView out) throws IOException {
        if (label instanceof Boolean) {
            out.writeByte(BOOLEAN);
            out.writeBoolean((Boolean) label);
        } else if (label instanceof Long) {
            out.writeByte(LONG);
            out.writeLong((Long) label);
        } else if (label instanceof Double) {
            out.writeByte(DOUBLE);
            out.writeDouble((Double) label);
        } else if (label instanceof String) {
            byte[] bytes = ((String) label).getBytes(StandardCharsets.UTF_8);
            length(STRING, bytes.length, out).write(bytes);
        } else if (label instanceof byte[]) {
            length(BYTES, ((byte[]) label).length, out).write((byte[]) label);
        } else if (label instanceof int[]) {
            length(INTS, ((int[]) label).length, out);
            for (int value : (int[]) label) {
                out.writeInt(value);
            }
        } else if (label instanceof long[]) {
            length(LONGS, ((long[]) label).length, out);
            for (long value : (long[]) label) {
                out.writeLong(value);
            }
        } else if (label instanceof float[]) {
            length(FLOATS, ((float[]) label).length, out);
            for (float value : (float[]) label) {
                out.writeFloat(value);
            }
        } else if (label instanceof double[]) {
            length(DOUBLES, ((double[]) label).length, out);
            for (double value : (double[]) label) {
                out.writeDouble(value);
            }
        } else if (label instanceof Object[]) {
            length(OBJECTS, ((Object[]) label).length, out);
            for (Object value : (Object[]) label) {
                write(value, out);
            }
        } else {
            Map<?, ?> map = (Map<?, ?>) label;
            length(MAP, map.size(), out);
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                out.writeUTF((String) entry.getKey());
                write(entry.getValue(), out);
            }
        }
    }

    private static DataOutputView length(int form, int length, DataOutputView out) throws IOException {
        out.writeByte(form);
        out.writeInt(length);
        return out;
    }

    static Object readNullable(DataInputView in) throws IOException {
        int form = in.readByte();
        switch (form) {
            case 0:
                return null;
            case BOOLEAN:
                return in.readBoolean();
            case LONG:
                return in.readLong();
            case DOUBLE:
                return in.readDouble();
            case STRING:
                return new String(bytes(in), StandardCharsets.UTF_8);
            case BYTES:
                return bytes(in);
            case INTS:
                int[] ints = new int[in.readInt()];
                for (int i = 0; i < ints.length; i++) {
                    ints[i] = in.readInt();
                }
                return ints;
            case LONGS:
                long[] longs = new long[in.readInt()];
                for (int i = 0; i < longs.length; i++) {
                    longs[i] = in.readLong();
                }
                return longs;
            case FLOATS:
                float[] floats = new float[in.readInt()];
                for (int i = 0; i < floats.length; i++) {
                    floats[i] = in.readFloat();
                }
                return floats;
            case DOUBLES:
                double[] doubles = new double[in.readInt()];
                for (int i = 0; i < doubles.length; i++) {
                    doubles[i] = in.readDouble();
                }
                return doubles;
            case OBJECTS:
                Object[] objects = new Object[in.readInt()];
                for (int i = 0; i < objects.length; i++) {
                    objects[i] = readNullable(in);
                }
                return objects;
            case MAP:
                TreeMap<String, Object> map = new TreeMap<>();
                for (int n = in.readInt(); n > 0; n--) {
                    map.put(in.readUTF(), readNullable(in));
                }
                return Collections.unmodifiableMap(map);
            default:
                throw new IOException("read label: these are not the bytes of one, form " + form);
        }
    }

    private static byte[] bytes(DataInputView in) throws IOException {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return bytes;
    }
}
