package dev.streamgrad;

/** The type of a column's elements; an immutable constant, safe for use by several threads. */
public enum DType {
    /** 16-bit float of IEEE 754. */
    FLOAT16("float16", 2),
    /** 16-bit float with the range of a 32-bit one: its upper half. */
    BFLOAT16("bfloat16", 2),
    /** 32-bit float. */
    FLOAT32("float32", 4),
    /** 64-bit float. */
    FLOAT64("float64", 8),
    /** Two 32-bit floats, the real and the imaginary part. */
    COMPLEX64("complex64", 8, 2),
    /** Two 64-bit floats, the real and the imaginary part. */
    COMPLEX128("complex128", 16, 2),
    /** Signed 8-bit integer. */
    INT8("int8", 1),
    /** Signed 16-bit integer. */
    INT16("int16", 2),
    /** Signed 32-bit integer. */
    INT32("int32", 4),
    /** Signed 64-bit integer. */
    INT64("int64", 8),
    /** Unsigned 8-bit integer. */
    UINT8("uint8", 1),
    /** Unsigned 16-bit integer. */
    UINT16("uint16", 2),
    /** Unsigned 32-bit integer. */
    UINT32("uint32", 4),
    /** Unsigned 64-bit integer. */
    UINT64("uint64", 8),
    /** Truth value, one byte. */
    BOOL("bool", 1),
    /** Bytes of any length; only Java's {@code String} implies UTF-8. */
    STRING("string", Layout.SLOT);

    private final String text;
    private final int slot;
    private final int parts;

    DType(String text, int slot) {
        this(text, slot, 1);
    }

    DType(String text, int slot, int parts) {
        this.text = text;
        this.slot = slot;
        this.parts = parts;
    }

    /** How many numbers an element is: two if it is complex. */
    int parts() {
        return parts;
    }

    /** Bytes of one of these numbers. */
    int cell() {
        return slot / parts;
    }

    /** Whether these numbers may have a fraction; those that may come first. */
    boolean floating() {
        return ordinal() <= COMPLEX128.ordinal();
    }

    /** Bytes of one element in a slab; of a string that of {@link Layout#SLOT}. */
    int slot() {
        return slot;
    }

    static DType named(String text) {
        for (DType dtype : values()) {
            if (dtype.text.equals(text)) {
                return dtype;
            }
        }
        throw new StreamgradException(Status.UNSUPPORTED, "read schema: dtype is unknown to this jar: " + text);
    }

    /** TensorFlow's name, as in the bundle's manifest: {@code float32} and so on. */
    @Override
    public String toString() {
        return text;
    }
}
