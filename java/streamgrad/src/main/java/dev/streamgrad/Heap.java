package dev.streamgrad;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/**
 * What the slots of a batch's slab lead to, its strings and ragged rows, one behind the other; grows as needed and is
 * reused. For one thread at a time.
 *
 * <p>The Rust side is {@code src/jvm/heap.rs}.
 */
final class Heap {
    private ByteBuffer bytes = allocate(0);
    private CharsetEncoder encoder;

    /** Where the next value will begin: the bytes in use. */
    int size() {
        return bytes.position();
    }

    /** Forgets everything from here on. */
    void truncate(int size) {
        bytes.position(size);
    }

    /** The memory that a native call reads, up to {@link #size}; another one after the heap has grown. */
    ByteBuffer bytes() {
        return bytes;
    }

    /** Takes this many bytes, whatever they hold, and returns where they begin. */
    int take(long count) {
        reserve(count);
        int start = bytes.position();
        bytes.position(start + (int) count);
        return start;
    }

    void append(byte[] value) {
        reserve(value.length);
        bytes.put(value);
    }

    /** Appends UTF-8; refuses half of a surrogate pair, which {@code String.getBytes} would turn into a question mark. */
    void append(CharSequence value, Field field) {
        if (encoder == null) {
            encoder = StandardCharsets.UTF_8.newEncoder();
        }
        reserve(3L * value.length());
        int start = bytes.position();
        CoderResult result = encoder.reset().encode(CharBuffer.wrap(value), bytes, true);
        if (!result.isUnderflow()) {
            bytes.position(start);
            throw new InvalidInputException(
                    "set field: the string is not valid UTF-16, give its bytes instead: " + field);
        }
    }

    byte[] get(int offset, int length) {
        byte[] value = new byte[length];
        ByteBuffer view = bytes.duplicate();
        view.position(offset);
        view.get(value);
        return value;
    }

    private void reserve(long more) {
        long needed = bytes.position() + more;
        if (needed <= bytes.capacity()) {
            return;
        }
        long grown = Math.max(needed, 2L * bytes.capacity());
        if (needed > Integer.MAX_VALUE - Layout.ALIGNMENT) {
            throw new InvalidInputException("set field: the batch's strings and ragged rows need more than 2 GiB, use fewer rows");
        }
        ByteBuffer wider = allocate((int) Math.min(grown, Integer.MAX_VALUE - Layout.ALIGNMENT));
        bytes.flip();
        wider.put(bytes);
        bytes = wider;
    }

    private static ByteBuffer allocate(int bytes) {
        return ByteBuffer.allocateDirect(Math.max(bytes, 64)).order(ByteOrder.LITTLE_ENDIAN);
    }
}
