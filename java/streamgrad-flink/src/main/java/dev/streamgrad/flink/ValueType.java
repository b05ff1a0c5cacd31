package dev.streamgrad.flink;

/**
 * What the declared type of a record's field says of its values, the same for every kind of record. Immutable, safe for use
 * by several threads.
 */
final class ValueType {
    /** What one value is. */
    enum Kind {
        /** Not declared: each record shows. */
        ANY,
        BOOLEAN,
        NUMBER,
        TEXT,
        BYTES,
        /** A date, a time or a span of time, which is a whole number of {@link Tick}s. */
        TIME,
        /** What no tensor holds. */
        OTHER
    }

    private final Kind kind;
    /** Of a time. */
    private final Tick tick;
    /** Of an array or list, else null. */
    private final ValueType element;
    /** As the record's type has it, for messages. */
    private final String text;

    private ValueType(Kind kind, Tick tick, ValueType element, String text) {
        this.kind = kind;
        this.tick = tick;
        this.element = element;
        this.text = text;
    }

    static ValueType of(Kind kind, String text) {
        return new ValueType(kind, null, null, text);
    }

    static ValueType time(Tick tick, String text) {
        return new ValueType(Kind.TIME, tick, null, text);
    }

    static ValueType array(ValueType element, String text) {
        return new ValueType(element.kind, element.tick, element, text);
    }

    /** What one value is, of an array each of its elements. */
    Kind kind() {
        return kind;
    }

    /** The unit of times, or null. */
    Tick tick() {
        return tick;
    }

    boolean isArray() {
        return element != null;
    }

    /** The type of the elements, or null. */
    ValueType element() {
        return element;
    }

    /** How many arrays are within each other. */
    int depth() {
        return element == null ? 0 : 1 + element.depth();
    }

    @Override
    public String toString() {
        return text;
    }
}
