package dev.streamgrad;

import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * What the library knows an object by, until it is closed or forgotten. Safe for use by several threads:
 * calls hold it shared, so that close waits for them.
 */
final class Handle {
    /** One thread per class loader; it ends when the loader's classes and their objects are gone. */
    private static final Cleaner CLEANER = Cleaner.create();

    private final String name;
    private final Open open;
    private final Cleaner.Cleanable cleanable;
    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private final ByteBuffer error = Call.newError();

    /** A native method that answers with a number, which is not negative, or with a status negated. */
    @FunctionalInterface
    interface Number {
        long ask(long handle, ByteBuffer error);
    }

    /** A native method that answers with bytes, or null if it failed. */
    @FunctionalInterface
    interface Bytes {
        byte[] ask(long handle, ByteBuffer error);
    }

    /** Closes the handle by this method, as soon as {@code owner}, what {@code name} says, is closed or forgotten. */
    Handle(Object owner, String name, long value, Number close) {
        this.name = name;
        this.open = new Open(value, close);
        this.cleanable = CLEANER.register(owner, open);
    }

    /** Valid until the lock that {@link #begin} returned is given back. */
    long value() {
        return open.value;
    }

    /** Keeps it open until the lock that this returns is given back. */
    Lock begin() {
        Lock shared = lock.readLock();
        shared.lock();
        if (open.value == 0) {
            shared.unlock();
            throw new ClosedException("use " + name + ": it was closed, open a new one");
        }
        return shared;
    }

    /** What a quick question is answered. */
    long askNumber(Number question) {
        Lock shared = begin();
        try {
            synchronized (error) {
                return Call.check(question.ask(open.value, error), error);
            }
        } finally {
            shared.unlock();
        }
    }

    /** What a question is answered that may take its time. */
    ByteBuffer askBytes(Bytes question) {
        ByteBuffer failure = Call.newError();
        Lock shared = begin();
        try {
            return Call.check(question.ask(open.value, failure), failure);
        } finally {
            shared.unlock();
        }
    }

    /** Takes in no more calls, waits for those in flight, and closes, unless it is. */
    void close() {
        lock.writeLock().lock();
        try {
            cleanable.clean();
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** What the cleaner holds: it must not reach the owner. */
    private static final class Open implements Runnable {
        private final Number close;
        private volatile long value;

        Open(long value, Number close) {
            this.value = value;
            this.close = close;
        }

        @Override
        public void run() {
            long handle = value;
            value = 0;
            // A failure here would have nobody to hear it.
            close.ask(handle, Call.newError());
        }
    }
}
