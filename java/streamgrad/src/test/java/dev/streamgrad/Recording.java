package dev.streamgrad;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What Keras did with one model and one optimizer: ten batches of 16 rows and what came of them, from {@code make peer}. */
final class Recording {
    static final int ROWS = 16;
    static final int STEPS = 10;
    private static final Pattern ENTRY = Pattern.compile(
            "\"([^\"]+)\":\\s*\\{\"dtype\":\\s*\"([A-Z0-9]+)\",\\s*\"shape\":\\s*\\[[0-9, ]*],"
                    + "\\s*\"data_offsets\":\\s*\\[(\\d+),\\s*(\\d+)]}");

    final Path bundle;
    private final ByteBuffer file;
    private final int data;
    private final Map<String, Matcher> entries = new HashMap<>();

    Recording(Path folder, String name) {
        this.bundle = folder.resolve(name + ".bundle");
        try {
            this.file = ByteBuffer.wrap(Files.readAllBytes(folder.resolve(name + ".safetensors")))
                    .order(ByteOrder.LITTLE_ENDIAN);
        } catch (IOException e) {
            throw new UncheckedIOException("run `make peer` first", e);
        }
        this.data = Math.toIntExact(file.getLong(0)) + 8;
        String header = new String(file.array(), 8, data - 8, StandardCharsets.UTF_8);
        for (Matcher entry = ENTRY.matcher(header); entry.find(); ) {
            Matcher found = ENTRY.matcher(entry.group());
            if (found.matches()) {
                entries.put(found.group(1), found);
            }
        }
    }

    /** Where {@code make peer} writes. */
    static Path folder() {
        return Path.of(System.getProperty("streamgrad.peer"));
    }

    static Recording of(String name) {
        return new Recording(folder(), name);
    }

    /** Fills the batch with the rows of a step, each column from its field that holds a whole row. */
    void fill(Batch batch, int step) {
        batch.clear();
        for (int i = 0; i < ROWS; i++) {
            int row = i;
            batch.add(r -> {
                for (Column column : batch.schema().columns()) {
                    set(r, column, "batch/" + step + "/" + column.name(), row);
                }
            });
        }
    }

    private void set(Row row, Column column, String name, int index) {
        String field = column.fields().get(0);
        int n = column.elements();
        if (column.dtype() == DType.STRING) {
            ByteBuffer bytes = bytes(name + "/bytes");
            long[] offsets = longs(name + "/offsets");
            byte[] value = new byte[(int) (offsets[index + 1] - offsets[index])];
            bytes.position(bytes.position() + (int) offsets[index]).get(value);
            row.set(field, value);
        } else if (column.dtype() == DType.FLOAT32) {
            row.set(field, Arrays.copyOfRange(floats(name), index * n, (index + 1) * n));
        } else {
            row.set(field, Arrays.copyOfRange(longs(name), index * n, (index + 1) * n));
        }
    }

    float loss(int step) {
        return floats("loss/" + step)[0];
    }

    float[] floats(String name) {
        ByteBuffer bytes = bytes(name);
        float[] values = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    long[] longs(String name) {
        ByteBuffer bytes = bytes(name);
        boolean wide = entries.get(name).group(2).endsWith("64");
        long[] values = new long[bytes.remaining() / (wide ? Long.BYTES : Integer.BYTES)];
        for (int i = 0; i < values.length; i++) {
            values[i] = wide ? bytes.getLong() : bytes.getInt();
        }
        return values;
    }

    private ByteBuffer bytes(String name) {
        Matcher entry = entries.get(name);
        if (entry == null) {
            throw new IllegalArgumentException("the recording lacks " + name + "; run `make peer` again");
        }
        int start = data + Integer.parseInt(entry.group(3));
        int end = data + Integer.parseInt(entry.group(4));
        ByteBuffer view = file.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        view.position(start).limit(end);
        return view.slice().order(ByteOrder.LITTLE_ENDIAN);
    }
}
