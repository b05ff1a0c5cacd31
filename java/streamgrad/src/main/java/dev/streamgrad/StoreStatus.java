package dev.streamgrad;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;

/**
 * What became of a store's snapshots. A failure to save does not stop learning: it shows here. Plain data: immutable,
 * safe for use by several threads, valid for ever.
 */
public final class StoreStatus {
    private final VersionId saved;
    private final Instant savedAt;
    private final String error;
    private final long failures;
    private final boolean waiting;

    /** Reads what {@code src/jvm/store.rs} writes. */
    StoreStatus(ByteBuffer in) {
        saved = in.get() == 0 ? null : new VersionId(in);
        savedAt = in.get() == 0 ? null : Instant.ofEpochMilli(in.getLong());
        if (in.get() == 0) {
            error = null;
        } else {
            byte[] utf8 = new byte[in.getInt()];
            in.get(utf8);
            error = new String(utf8, StandardCharsets.UTF_8);
        }
        failures = in.getLong();
        waiting = in.get() != 0;
    }

    /**
     * The version saved last.
     *
     * @return empty if none was
     */
    public Optional<VersionId> saved() {
        return Optional.ofNullable(saved);
    }

    /**
     * When that version was taken.
     *
     * @return to the millisecond; empty if none was saved
     */
    public Optional<Instant> savedAt() {
        return Optional.ofNullable(savedAt);
    }

    /**
     * Why the last attempt to save failed.
     *
     * @return one line; empty if it did not
     */
    public Optional<String> error() {
        return Optional.ofNullable(error);
    }

    /**
     * The attempts that failed since one did not.
     *
     * @return zero or more
     */
    public long failures() {
        return failures;
    }

    /**
     * Whether a version waits for its turn or is being written.
     *
     * @return true until it was tried
     */
    public boolean waiting() {
        return waiting;
    }

    /** What was saved last, and what went wrong since, for logs. */
    @Override
    public String toString() {
        return (saved == null ? "nothing saved" : "saved " + saved + " of " + savedAt)
                + (error == null ? "" : ", failed " + failures + " times since: " + error);
    }
}
