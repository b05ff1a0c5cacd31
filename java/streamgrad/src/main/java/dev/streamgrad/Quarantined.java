package dev.streamgrad;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;

/**
 * A batch that a trainer refused to learn. All but the batch, which is for one thread at a time, is immutable and safe for
 * use by several threads; it is valid for ever.
 */
public final class Quarantined {
    private final int status;
    private final String reason;
    private final VersionId version;
    private final byte[] position;
    private final Instant time;
    private final Batch batch;

    /** Reads what {@code src/jvm/control.rs} writes. */
    Quarantined(Schema schema, ByteBuffer in) {
        status = in.getInt();
        reason = new String(bytes(in), StandardCharsets.UTF_8);
        version = new VersionId(in);
        position = in.get() == 0 ? null : bytes(in);
        time = Instant.ofEpochMilli(in.getLong());
        int rows = in.getInt();
        long eventTime = in.get() == 0 ? Batch.NO_EVENT_TIME : in.getLong();
        byte[] columns = new byte[in.remaining()];
        in.get(columns);
        try {
            batch = Batch.of(schema, rows, new DataInputStream(new ByteArrayInputStream(columns)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (eventTime != Batch.NO_EVENT_TIME) {
            batch.eventTime(eventTime);
        }
    }

    private static byte[] bytes(ByteBuffer in) {
        byte[] bytes = new byte[in.getInt()];
        in.get(bytes);
        return bytes;
    }

    /**
     * A copy of its rows.
     *
     * @return a batch of its own
     */
    public Batch batch() {
        return batch;
    }

    /**
     * The code of what the step threw, as {@link StreamgradException#status} has it.
     *
     * @return that of {@link NonFiniteException} or {@link OutlierException}
     */
    public int status() {
        return status;
    }

    /**
     * What the step's exception said.
     *
     * @return one line
     */
    public String reason() {
        return reason;
    }

    /**
     * The version that was not changed.
     *
     * @return its name
     */
    public VersionId version() {
        return version;
    }

    /**
     * What the host gave with {@link Trainer#stepTo}.
     *
     * @return a copy; empty if it gave nothing
     */
    public Optional<byte[]> position() {
        return Optional.ofNullable(position).map(byte[]::clone);
    }

    /**
     * When it was refused.
     *
     * @return to the millisecond
     */
    public Instant time() {
        return time;
    }

    /** How many rows, and why, for logs. */
    @Override
    public String toString() {
        return batch.rows() + " rows refused at " + version + ": " + reason;
    }
}
