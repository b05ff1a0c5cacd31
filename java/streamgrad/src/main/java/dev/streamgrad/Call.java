package dev.streamgrad;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The direct buffers of a native call beside its batch: its results (a step's report, then predictions), its error, and
 * the position that it notes. Kept from call to call; for one thread at a time.
 *
 * <p>The Rust side, {@code src/jvm/results.rs} and {@code src/jvm/error.rs}, has the same layout.
 */
final class Call {
    static final int ERROR_BYTES = 4096;
    static final int ERROR_STATUS = 0;
    static final int ERROR_LENGTH = 4;
    static final int ERROR_TEXT = 8;

    static final int LOSS = 0;
    static final int ROWS = 4;
    static final int GRADIENT_VERSION = 8;
    static final int VERSION = 16;
    static final int PULL_NANOS = 24;
    static final int RUN_NANOS = 32;
    static final int PUSH_NANOS = 40;
    /** Pairs of double: since start, over the window. */
    static final int METRICS = 48;

    /** Of the predictions: lineage, then number of the version. */
    static final int PREDICTING_VERSION = 0;
    /** Of the predictions: the bytes of all strings, which lie behind the outputs. */
    static final int STRING_BYTES = 16;
    /** Room for strings to begin with. */
    private static final int FIRST_STRINGS = 4096;

    static final int OUTPUTS = Layout.ALIGNMENT;

    private final Schema schema;
    private ByteBuffer results;
    /** The part of the results that has the predictions. */
    private ByteBuffer predictions;
    private final ByteBuffer error = newError();
    private ByteBuffer position;
    /** The layout of the latest predictions: batches mostly have as many rows as the one before. */
    private Layout layout;

    /** For calls about this many rows at most; none for those that predict nothing. */
    Call(Schema schema, int rows) {
        this.schema = schema;
        int outputs = rows == 0 ? 0 : new Layout(schema.outputs(), rows).bytes();
        boolean strings = schema.outputs().stream().anyMatch(output -> output.dtype() == DType.STRING);
        room(outputs + (strings ? FIRST_STRINGS : 0L));
    }

    /** Buffers with so many bytes for outputs and their strings; what the old ones hold is lost. */
    private void room(long bytes) {
        long all = predictionsAt(schema) + OUTPUTS + bytes;
        if (all > Layout.MOST_BYTES) {
            throw new InvalidInputException("predict: the predictions would need more than 2 GiB, predict fewer rows at once");
        }
        results = Layout.allocate((int) all);
        predictions = results.position(predictionsAt(schema)).slice().order(ByteOrder.LITTLE_ENDIAN);
        results.clear();
    }

    /** Makes room for the results of more rows than it was made for. */
    void reserve(int rows) {
        long needed = layout(rows).bytes();
        if (OUTPUTS + needed > predictions.capacity()) {
            room(needed);
        }
    }

    /** Whether strings of the last call found no room; there is now. */
    boolean again(int rows) {
        long needed = layout(rows).bytes() + predictions.getLong(STRING_BYTES);
        boolean lacks = OUTPUTS + needed > predictions.capacity();
        if (lacks) {
            room(needed);
        }
        return lacks;
    }

    static ByteBuffer newError() {
        return Layout.allocate(ERROR_BYTES);
    }

    private static int predictionsAt(Schema schema) {
        int report = METRICS + schema.metrics().size() * 2 * Double.BYTES;
        return (report + Layout.ALIGNMENT - 1) / Layout.ALIGNMENT * Layout.ALIGNMENT;
    }

    ByteBuffer results() {
        return results;
    }

    /** Where a call puts its results that only predicts. */
    ByteBuffer predictionsBuffer() {
        return predictions;
    }

    ByteBuffer error() {
        return error;
    }

    /** The host's position where a native call can read it. */
    ByteBuffer position(byte[] bytes) {
        if (position == null || position.capacity() < bytes.length) {
            position = Layout.allocate(bytes.length);
        }
        return position.clear().put(bytes);
    }

    /** What the last step wrote, as plain data. */
    Report report(int rows) {
        return new Report(results, metrics(), predictions(rows));
    }

    /** The metrics that the last call wrote, as plain data. */
    Metrics metrics() {
        return new Metrics(schema, results);
    }

    private Layout layout(int rows) {
        if (layout == null || layout.rows() != rows) {
            layout = new Layout(schema.outputs(), rows);
        }
        return layout;
    }

    /** The predictions that the last call wrote, as plain data. */
    Predictions predictions(int rows) {
        Layout layout = layout(rows);
        byte[] copy = new byte[layout.bytes() + (int) predictions.getLong(STRING_BYTES)];
        predictions.position(PREDICTING_VERSION);
        VersionId version = new VersionId(predictions);
        predictions.position(OUTPUTS).get(copy).clear();
        return new Predictions(schema, layout, version, copy);
    }

    /** A native call's bytes, or the exception that its error buffer tells of. */
    static ByteBuffer check(byte[] answer, ByteBuffer error) {
        if (answer != null) {
            return ByteBuffer.wrap(answer);
        }
        throw failure(error);
    }

    /** A native call's result, or the exception that its error buffer tells of. */
    static long check(long result, ByteBuffer error) {
        if (result >= 0) {
            return result;
        }
        throw failure(error);
    }

    /** The exception for what an error buffer holds. */
    static StreamgradException failure(ByteBuffer error) {
        byte[] text = new byte[Math.max(0, Math.min(error.getInt(ERROR_LENGTH), ERROR_BYTES - ERROR_TEXT))];
        ByteBuffer view = error.duplicate();
        view.position(ERROR_TEXT);
        view.get(text);
        return StreamgradException.of(error.getInt(ERROR_STATUS), new String(text, StandardCharsets.UTF_8));
    }
}
