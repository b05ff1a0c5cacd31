package dev.streamgrad;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.Lock;

/**
 * One version with everything that belongs to it (parameters, state, slots, counters, metrics, position), for a host that
 * keeps checkpoints of its own: {@link Trainer#checkpoint} pins it without a copy, {@link #writeTo} writes it while
 * training goes on, {@link Trainer#restore} goes on from it.
 *
 * <p>Safe for use by several threads. It holds native memory, as much as the version takes, until {@link #close}, also
 * when its trainer is closed; one that was forgotten is closed by the garbage collector, some time.
 */
public final class Checkpoint implements AutoCloseable {
    static final int CHUNK = 256 << 10;

    private final Handle trainer;
    private final Handle handle;
    private final VersionId version;

    Checkpoint(Handle trainer, long handle) {
        this.trainer = trainer;
        this.handle = new Handle(this, "checkpoint", handle, Native::checkpointClose);
        this.version = new VersionId(this.handle.askBytes(Native::checkpointVersion));
    }

    /**
     * How many checkpoints are open in this class loader, of all trainers.
     *
     * @return zero if every one was closed
     */
    public static int held() {
        NativeLoader.load(null);
        return Native.checkpointsOpen();
    }

    /**
     * The version that is pinned.
     *
     * @return valid after close
     */
    public VersionId version() {
        return version;
    }

    /**
     * Writes all of it, in chunks of 256 KiB. May be called again; each call writes the same bytes. Closed midway by
     * another thread, it ends with a {@link ClosedException}.
     *
     * @param out is neither flushed nor closed
     * @return how many bytes that were
     * @throws IOException what {@code out} throws
     * @throws ClosedException if it was closed
     */
    public long writeTo(OutputStream out) throws IOException {
        ByteBuffer chunk = Layout.allocate(CHUNK);
        byte[] copy = new byte[CHUNK];
        long written = 0;
        try {
            while (true) {
                long from = written;
                int read = (int) handle.askNumber((value, error) -> Native.checkpointRead(value, from, chunk, error));
                if (read == 0) {
                    return written;
                }
                chunk.clear().get(copy, 0, read);
                out.write(copy, 0, read);
                written += read;
            }
        } finally {
            // The cleaner must not take one that nobody holds while it is written.
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Saves exactly this version in the folder of its trainer, and returns when it will outlast the process and the
     * machine's power. A host that notes no more than the version's name goes back to it with {@link Trainer#rollback}; so
     * that it is there then, {@link Trainer#hold} it before.
     *
     * @return the version
     * @throws StreamgradException if that failed, or the parameters live in memory only
     * @throws ClosedException if this or its trainer was closed
     */
    public VersionId save() {
        Lock shared = handle.begin();
        try {
            return new VersionId(
                    trainer.askBytes((value, error) -> Native.trainerSaveCheckpoint(value, handle.value(), error)));
        } finally {
            shared.unlock();
            Reference.reachabilityFence(this);
        }
    }

    /** Lets go of the version; again, it does nothing. */
    @Override
    public void close() {
        handle.close();
    }
}
