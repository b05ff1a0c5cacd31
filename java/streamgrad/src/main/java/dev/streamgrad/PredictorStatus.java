package dev.streamgrad;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What a predictor predicts by, and what could not take its place. Plain data: immutable, safe for use by several threads,
 * valid for ever.
 */
public final class PredictorStatus {
    private final VersionId version;
    private final Instant made;
    private final Instant since;
    private final boolean pinned;
    private final long swaps;
    private final long failures;
    private final Problem problem;

    /** Reads what {@code src/jvm/predictor.rs} writes. */
    PredictorStatus(ByteBuffer in) {
        version = new VersionId(in);
        made = in.get() == 0 ? null : Instant.ofEpochMilli(in.getLong());
        since = in.get() == 0 ? null : Instant.ofEpochMilli(in.getLong());
        pinned = in.get() != 0;
        swaps = in.getLong();
        failures = in.getLong();
        problem = in.get() == 0 ? null : new Problem(in);
    }

    /**
     * The version that predicts.
     *
     * @return its name
     */
    public VersionId version() {
        return version;
    }

    /**
     * When that version was made, by the clock of the machine that did.
     *
     * @return to the millisecond; empty for a bundle's own values and for a trainer in this process, which do not say
     */
    public Optional<Instant> made() {
        return Optional.ofNullable(made);
    }

    /**
     * How long ago the version was made, as the two machines' clocks have it.
     *
     * @return from then until now, never negative; empty as {@link #made} is
     */
    public Optional<Duration> age() {
        return made().map(time -> Duration.between(time, Instant.now())).map(age -> age.isNegative() ? Duration.ZERO : age);
    }

    /**
     * Since when the version predicts here.
     *
     * @return to the millisecond; empty for the newest version of a trainer in this process
     */
    public Optional<Instant> since() {
        return Optional.ofNullable(since);
    }

    /**
     * Whether the version stays until {@link Predictor#unpin}.
     *
     * @return false while it follows
     */
    public boolean pinned() {
        return pinned;
    }

    /**
     * How often one version took the place of another here.
     *
     * @return zero or more
     */
    public long swaps() {
        return swaps;
    }

    /**
     * Why the newest version does not predict, or why nobody can tell which one that is.
     *
     * @return empty once it does again
     */
    public Optional<Problem> problem() {
        return Optional.ofNullable(problem);
    }

    /**
     * The attempts that failed since there was no such problem.
     *
     * @return zero or more
     */
    public long failures() {
        return failures;
    }

    /** The version, and what stands in the way of another one, for logs. */
    @Override
    public String toString() {
        return version + (pinned ? ", pinned" : "") + (made == null ? "" : " of " + made) + ", after " + swaps + " swaps"
                + (problem == null ? "" : ", failed " + failures + " times since: " + problem);
    }

    /**
     * Why a version was not taken. Plain data: immutable, safe for use by several threads, valid for ever.
     */
    public static final class Problem {
        private final VersionId version;
        private final int status;
        private final Instant time;
        private final String error;

        private Problem(ByteBuffer in) {
            version = in.get() == 0 ? null : new VersionId(in);
            status = in.getInt();
            time = Instant.ofEpochMilli(in.getLong());
            byte[] utf8 = new byte[in.getInt()];
            in.get(utf8);
            error = new String(utf8, StandardCharsets.UTF_8);
        }

        /**
         * The version that was refused.
         *
         * @return empty if the folder itself could not be read
         */
        public Optional<VersionId> version() {
            return Optional.ofNullable(version);
        }

        /**
         * The kind of the problem, as {@link StreamgradException#status} has it.
         *
         * @return a status code
         */
        public int status() {
            return status;
        }

        /**
         * When it was met last.
         *
         * @return to the millisecond
         */
        public Instant time() {
            return time;
        }

        /**
         * What stood in the way.
         *
         * @return one line
         */
        public String error() {
            return error;
        }

        /** The error, for logs. */
        @Override
        public String toString() {
            return error;
        }
    }
}
