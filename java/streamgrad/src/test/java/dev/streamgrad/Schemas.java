package dev.streamgrad;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Makes schemas for tests that need no bundle, in the bytes that the native side sends. */
final class Schemas {
    private final ByteArrayOutputStream columns = new ByteArrayOutputStream();
    private final ByteArrayOutputStream outputs = new ByteArrayOutputStream();
    private final ByteArrayOutputStream metrics = new ByteArrayOutputStream();
    private int columnCount;
    private int outputCount;
    private int metricCount;

    private interface Part {
        void write(DataOutputStream out) throws IOException;
    }

    Schemas feature(String name, String dtype, int[] shape, String... fields) {
        return column(Column.Role.FEATURE, name, dtype, shape, new boolean[2], infinity(-1), infinity(1), fields);
    }

    Schemas ragged(String name, String dtype) {
        return column(Column.Role.FEATURE, name, dtype, new int[0], new boolean[] {true, false}, infinity(-1), infinity(1), name);
    }

    Schemas optional(String name, String dtype, int[] shape, String... fields) {
        return column(Column.Role.FEATURE, name, dtype, shape, new boolean[] {false, true}, infinity(-1), infinity(1), fields);
    }

    Schemas label(String name, String dtype, double lowest, double highest) {
        return column(Column.Role.LABEL, name, dtype, new int[] {1}, new boolean[2], lowest, highest, name);
    }

    Schemas weight(String name) {
        return column(Column.Role.WEIGHT, name, "float32", new int[0], new boolean[2], 0, infinity(1), name);
    }

    Schemas output(String name, String dtype, int... shape) {
        outputCount++;
        write(outputs, out -> column(out, name, dtype, shape, new boolean[2], infinity(-1), infinity(1), List.of()));
        return this;
    }

    Schemas metric(String name, String kind) {
        metricCount++;
        write(metrics, out -> {
            text(out, name);
            text(out, kind);
        });
        return this;
    }

    Schema make() {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        write(all, out -> {
            out.writeInt(columnCount);
            columns.writeTo(out);
            out.writeInt(outputCount);
            outputs.writeTo(out);
            out.writeInt(metricCount);
            metrics.writeTo(out);
            out.writeInt(1);
            text(out, "dense/kernel");
            shape(out, 4, 32);
            out.writeBoolean(false);
        });
        return new Schema(all.toByteArray());
    }

    private Schemas column(
            Column.Role role,
            String name,
            String dtype,
            int[] shape,
            boolean[] flags,
            double lowest,
            double highest,
            String... fields) {
        columnCount++;
        write(columns, out -> {
            out.writeByte(role.ordinal());
            column(out, name, dtype, shape, flags, lowest, highest, List.of(fields));
        });
        return this;
    }

    private static void column(
            DataOutputStream out,
            String name,
            String dtype,
            int[] shape,
            boolean[] flags,
            double lowest,
            double highest,
            List<String> fields)
            throws IOException {
        text(out, name);
        text(out, dtype);
        shape(out, shape);
        for (boolean flag : flags) {
            out.writeBoolean(flag);
        }
        out.writeInt(fields.size());
        for (String field : fields) {
            text(out, field);
        }
        out.writeDouble(lowest);
        out.writeDouble(highest);
    }

    private static void shape(DataOutputStream out, int... shape) throws IOException {
        out.writeInt(shape.length);
        for (int dimension : shape) {
            out.writeInt(dimension);
        }
    }

    private static void text(DataOutputStream out, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private static double infinity(int sign) {
        return sign * Double.POSITIVE_INFINITY;
    }

    private static void write(ByteArrayOutputStream to, Part part) {
        try {
            part.write(new DataOutputStream(to));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
