package dev.streamgrad.flink;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.Period;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Date;

/**
 * The unit in which a date or time is a whole number. A precision has the unit that Flink's own conversion to Arrow gives it, so
 * that a column is the same number here and in a Parquet file.
 */
enum Tick {
    SECONDS(1_000_000_000),
    MILLIS(1_000_000),
    MICROS(1_000),
    NANOS(1),
    DAYS(0),
    MONTHS(0);

    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private final long nanos;

    Tick(long nanos) {
        this.nanos = nanos;
    }

    /** The unit of so many digits of a second. */
    static Tick ofPrecision(int digits) {
        return digits == 0 ? SECONDS : digits <= 3 ? MILLIS : digits <= 6 ? MICROS : NANOS;
    }

    /** The unit of objects of this class where nothing else is declared, as Flink itself has it; null if it is no time. */
    static Tick ofClass(Class<?> type) {
        if (type == LocalDate.class || type == java.sql.Date.class) {
            return DAYS;
        } else if (type == Period.class) {
            return MONTHS;
        } else if (type == Instant.class
                || type == LocalDateTime.class
                || type == LocalTime.class
                || type == OffsetDateTime.class
                || type == ZonedDateTime.class
                || type == Duration.class
                || type == java.sql.Timestamp.class) {
            return NANOS;
        }
        return type == Date.class || type == java.sql.Time.class ? MILLIS : null;
    }

    /** A time in this unit, rounded down; a number is one already. */
    long of(Object time) {
        if (time instanceof Number) {
            return ((Number) time).longValue();
        } else if (time instanceof LocalDate) {
            return ((LocalDate) time).toEpochDay();
        } else if (time instanceof java.sql.Date) {
            return ((java.sql.Date) time).toLocalDate().toEpochDay();
        } else if (time instanceof Period) {
            return ((Period) time).toTotalMonths();
        } else if (time instanceof LocalTime) {
            return ofSeconds(0, ((LocalTime) time).toNanoOfDay());
        } else if (time instanceof java.sql.Time) {
            return ofSeconds(((java.sql.Time) time).toLocalTime().toSecondOfDay(), 0);
        } else if (time instanceof Duration) {
            return ofSeconds(((Duration) time).getSeconds(), ((Duration) time).getNano());
        }
        Instant instant = instant(time);
        return ofSeconds(instant.getEpochSecond(), instant.getNano());
    }

    /** A time without zone counts as if it were in UTC, as in Flink's TIMESTAMP. */
    private static Instant instant(Object time) {
        if (time instanceof Instant) {
            return (Instant) time;
        } else if (time instanceof LocalDateTime) {
            return ((LocalDateTime) time).toInstant(ZoneOffset.UTC);
        } else if (time instanceof java.sql.Timestamp) {
            return ((java.sql.Timestamp) time).toLocalDateTime().toInstant(ZoneOffset.UTC);
        } else if (time instanceof OffsetDateTime) {
            return ((OffsetDateTime) time).toInstant();
        } else if (time instanceof ZonedDateTime) {
            return ((ZonedDateTime) time).toInstant();
        } else if (time instanceof Date) {
            return Instant.ofEpochMilli(((Date) time).getTime());
        }
        throw new IllegalArgumentException("this is no date or time: " + time.getClass().getName());
    }

    /** Milliseconds and nanoseconds on top, in this unit. */
    long ofMillis(long millis, int nanosOfMilli) {
        return ofSeconds(Math.floorDiv(millis, 1_000L), Math.floorMod(millis, 1_000L) * 1_000_000 + nanosOfMilli);
    }

    private long ofSeconds(long seconds, long more) {
        if (nanos == 0) {
            throw new IllegalArgumentException("a time of day does not count in " + this);
        }
        try {
            return Math.addExact(Math.multiplyExact(seconds, NANOS_PER_SECOND / nanos), Math.floorDiv(more, nanos));
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("a time is beyond what an int64 holds in " + this + ", declare fewer digits", e);
        }
    }
}
