package dev.streamgrad;

import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The name of a version: its lineage, and the steps that it counts. A trainer that goes back to an older version begins a
 * new lineage, so two saved versions never share a name. Immutable, safe for use by several threads.
 */
public final class VersionId {
    private static final Pattern TEXT = Pattern.compile("([0-9a-f]{16})-(0|[1-9][0-9]{0,18})");

    private final long lineage;
    private final long number;

    /** Reads what {@code src/jvm/store.rs} writes. */
    VersionId(ByteBuffer in) {
        this(in.getLong(), in.getLong());
    }

    VersionId(long lineage, long number) {
        this.lineage = lineage;
        this.number = number;
    }

    /**
     * The version of these parts.
     *
     * @param lineage as {@link #lineage} has it
     * @param number as {@link #number} has it
     * @return its name
     * @throws InvalidInputException if the number is negative
     */
    public static VersionId of(long lineage, long number) {
        if (number < 0) {
            throw new InvalidInputException("name version: its number is not negative, give one from zero on: " + number);
        }
        return new VersionId(lineage, number);
    }

    /**
     * The version of this name.
     *
     * @param text as {@link #toString} writes it, in logs and as the name of a snapshot's folder
     * @return its parts
     * @throws InvalidInputException if it is not written so
     */
    public static VersionId parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (matcher.matches()) {
            try {
                return new VersionId(Long.parseUnsignedLong(matcher.group(1), 16), Long.parseLong(matcher.group(2)));
            } catch (NumberFormatException e) {
                // A number beyond 2^63 is none of a version.
            }
        }
        throw new InvalidInputException(
                "read version: give a lineage of 16 lower-case hexadecimal digits, a hyphen and a number: " + text);
    }

    /**
     * The unbroken line of versions that it belongs to, each made from the one before it.
     *
     * @return 64 random bits, unsigned
     */
    public long lineage() {
        return lineage;
    }

    /**
     * The steps since the bundle's own values.
     *
     * @return zero or more
     */
    public long number() {
        return number;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof VersionId
                && ((VersionId) other).lineage == lineage
                && ((VersionId) other).number == number;
    }

    @Override
    public int hashCode() {
        return 31 * Long.hashCode(lineage) + Long.hashCode(number);
    }

    /** The lineage as 16 hexadecimal digits, a hyphen, the number: what {@link #parse} reads. */
    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%016x-%d", lineage, number);
    }
}
