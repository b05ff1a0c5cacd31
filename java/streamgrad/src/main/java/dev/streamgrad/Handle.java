package dev.streamgrad;

import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;

/** What the library knows an object by, until that is closed or forgotten. */
final class Handle {
    /** One thread per class loader; it ends when the loader's classes and objects are gone. */
    private static final Cleaner CLEANER = Cleaner.create();

    private final Open open;
    private final Cleaner.Cleanable cleanable;

    private Handle(Open open, Cleaner.Cleanable cleanable) {
        this.open = open;
        this.cleanable = cleanable;
    }

    /** A native method that closes handles. */
    interface Closing {
        long close(long handle, ByteBuffer error);
    }

    static Handle of(Object owner, long value, Closing closing) {
        Open open = new Open(value, closing);
        return new Handle(open, CLEANER.register(owner, open));
    }

    /** Zero when it is closed. */
    long value() {
        return open.value;
    }

    /** Closes the object, unless it is. */
    void close() {
        cleanable.clean();
    }

    /** What the cleaner holds: it must not reach the owner. */
    private static final class Open implements Runnable {
        private final Closing closing;
        private volatile long value;

        Open(long value, Closing closing) {
            this.value = value;
            this.closing = closing;
        }

        @Override
        public void run() {
            long handle = value;
            value = 0;
            // A failure here would have nobody to hear it.
            closing.close(handle, Call.newError());
        }
    }
}
