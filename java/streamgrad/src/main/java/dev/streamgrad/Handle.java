package dev.streamgrad;

import java.lang.ref.Cleaner;

/** What the library knows a trainer by, until it is closed or forgotten. */
final class Handle {
    /** One thread per class loader; it ends when the loader's classes and trainers are gone. */
    private static final Cleaner CLEANER = Cleaner.create();

    private final Open open;
    private final Cleaner.Cleanable cleanable;

    private Handle(Open open, Cleaner.Cleanable cleanable) {
        this.open = open;
        this.cleanable = cleanable;
    }

    static Handle of(Trainer trainer, long value) {
        Open open = new Open(value);
        return new Handle(open, CLEANER.register(trainer, open));
    }

    /** Zero when it is closed. */
    long value() {
        return open.value;
    }

    /** Closes the trainer, unless it is. */
    void close() {
        cleanable.clean();
    }

    /** What the cleaner holds: it must not reach the trainer. */
    private static final class Open implements Runnable {
        private volatile long value;

        Open(long value) {
            this.value = value;
        }

        @Override
        public void run() {
            long closing = value;
            value = 0;
            // A failure here would have nobody to hear it.
            Native.trainerClose(closing, Call.newError());
        }
    }
}
