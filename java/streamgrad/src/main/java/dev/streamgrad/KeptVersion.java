package dev.streamgrad;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** A version that a folder keeps. Plain data: immutable, safe for use by several threads, valid for ever. */
public final class KeptVersion {
    private final VersionId version;
    private final VersionId base;
    private final Instant time;
    private final long bytes;

    private KeptVersion(ByteBuffer in) {
        version = new VersionId(in);
        base = in.get() == 0 ? null : new VersionId(in);
        time = Instant.ofEpochMilli(in.getLong());
        bytes = in.getLong();
    }

    /** Reads what {@code src/jvm/store.rs} writes. */
    static List<KeptVersion> list(ByteBuffer in) {
        List<KeptVersion> kept = new ArrayList<>();
        for (int n = in.getInt(); n > 0; n--) {
            kept.add(new KeptVersion(in));
        }
        return Collections.unmodifiableList(kept);
    }

    /**
     * The version.
     *
     * @return its name
     */
    public VersionId version() {
        return version;
    }

    /**
     * When it was taken.
     *
     * @return to the millisecond
     */
    public Instant time() {
        return time;
    }

    /**
     * The size of its tensors' files, without those of what it builds on.
     *
     * @return bytes
     */
    public long bytes() {
        return bytes;
    }

    /**
     * What it builds on.
     *
     * @return empty if it is complete
     */
    public Optional<VersionId> base() {
        return Optional.ofNullable(base);
    }

    /** Version, time and size, for logs. */
    @Override
    public String toString() {
        return version + " of " + time + ", " + bytes + " bytes" + (base == null ? "" : " on " + base);
    }
}
