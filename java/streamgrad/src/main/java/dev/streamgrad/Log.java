package dev.streamgrad;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What the native library has logged: a host calls {@link #drain} now and then and hands the events to its own logger.
 * Plain data: immutable, safe for use by several threads, valid for ever.
 *
 * <p>The library keeps the last 1024 events for each class loader that has loaded it.
 */
public final class Log {
    private final List<Event> events;
    private final long lost;

    /** Reads what {@code src/jvm/observing.rs} writes. */
    private Log(ByteBuffer in) {
        lost = in.getLong();
        int count = in.getInt();
        List<Event> read = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            read.add(new Event(in));
        }
        events = Collections.unmodifiableList(read);
    }

    /**
     * Takes out all events that wait, and loads the library if nothing else has.
     *
     * @return no event is returned twice
     */
    public static Log drain() {
        NativeLoader.load(null);
        ByteBuffer error = Call.newError();
        return new Log(Call.check(Native.logDrain(error), error));
    }

    /**
     * The events.
     *
     * @return an unmodifiable list, the oldest first
     */
    public List<Event> events() {
        return events;
    }

    /**
     * How many older events gave way to newer ones since the last call of {@link #drain}.
     *
     * @return zero or more
     */
    public long lost() {
        return lost;
    }

    /** An event. Plain data, as its {@link Log}. */
    public static final class Event {
        private final Instant time;
        private final System.Logger.Level level;
        private final String target;
        private final String text;

        private Event(ByteBuffer in) {
            time = Instant.ofEpochMilli(in.getLong());
            byte code = in.get();
            level = code == 1
                    ? System.Logger.Level.ERROR
                    : code == 2 ? System.Logger.Level.WARNING : System.Logger.Level.INFO;
            target = text(in);
            text = text(in);
        }

        private static String text(ByteBuffer in) {
            byte[] utf8 = new byte[in.getInt()];
            in.get(utf8);
            return new String(utf8, StandardCharsets.UTF_8);
        }

        /**
         * When it happened.
         *
         * @return to the millisecond
         */
        public Instant time() {
            return time;
        }

        /**
         * How bad it is.
         *
         * @return {@code ERROR}, {@code WARNING} or {@code INFO}
         */
        public System.Logger.Level level() {
            return level;
        }

        /**
         * The part of the library that says so.
         *
         * @return a path of modules
         */
        public String target() {
            return target;
        }

        /**
         * What happened.
         *
         * @return one line
         */
        public String text() {
            return text;
        }

        /** All of it on one line. */
        @Override
        public String toString() {
            return time + " " + level + " " + target + ": " + text;
        }
    }
}
