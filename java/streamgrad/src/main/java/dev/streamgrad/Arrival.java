package dev.streamgrad;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** The bytes of a checkpoint on their way back, collected outside the heap. For one thread at a time. */
final class Arrival implements AutoCloseable {
    private final Handle handle;

    private Arrival() {
        ByteBuffer error = Call.newError();
        handle = new Handle(this, "arrival", Call.check(Native.arrivalOpen(error), error), Native::arrivalClose);
    }

    /** All that the stream has; nothing is believed about its length. */
    static Arrival of(InputStream in) throws IOException {
        Arrival arrival = new Arrival();
        boolean whole = false;
        try {
            ByteBuffer chunk = Layout.allocate(Checkpoint.CHUNK);
            ByteBuffer error = Call.newError();
            byte[] copy = new byte[Checkpoint.CHUNK];
            for (int read = in.readNBytes(copy, 0, copy.length); read > 0; read = in.readNBytes(copy, 0, copy.length)) {
                chunk.clear().put(copy, 0, read);
                Call.check(Native.arrivalWrite(arrival.value(), chunk, read, error), error);
            }
            whole = true;
            return arrival;
        } finally {
            if (!whole) {
                arrival.close();
            }
        }
    }

    long value() {
        return handle.value();
    }

    @Override
    public void close() {
        handle.close();
    }
}
