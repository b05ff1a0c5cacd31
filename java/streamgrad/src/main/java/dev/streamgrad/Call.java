package dev.streamgrad;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The direct buffers that a native call writes its results to: predictions, report and error. Kept from call to call;
 * for one thread at a time.
 *
 * <p>The Rust side, {@code src/jvm/report.rs} and {@code src/jvm/status.rs}, has the same layout.
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

    private final Schema schema;
    private final ByteBuffer predictions;
    private final ByteBuffer report;
    private final ByteBuffer error = newError();

    Call(Schema schema, int rows) {
        this.schema = schema;
        this.predictions = Layout.allocate(rows == 0 ? 0 : new Layout(schema.outputs(), rows).bytes());
        this.report = newReport(schema);
    }

    static ByteBuffer newError() {
        return Layout.allocate(ERROR_BYTES);
    }

    static ByteBuffer newReport(Schema schema) {
        return Layout.allocate(METRICS + schema.metrics().size() * 2 * Double.BYTES);
    }

    ByteBuffer predictions() {
        return predictions;
    }

    ByteBuffer report() {
        return report;
    }

    ByteBuffer error() {
        return error;
    }

    /** What the predictions buffer holds, as plain data. */
    Predictions readPredictions(int rows, long version) {
        return new Predictions(schema, rows, version, predictions);
    }

    /** What the report buffer holds, as plain data. */
    Report readReport(Predictions made) {
        return new Report(report, new Metrics(schema, report), made);
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
