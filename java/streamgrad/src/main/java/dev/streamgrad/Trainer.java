package dev.streamgrad;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A model that learns from and predicts on batches of records, in this process.
 *
 * <p>Safe for use by several threads, each with a {@link Batch} of its own. It holds native memory until
 * {@link #close}, which waits for the calls in flight; every later call throws {@link ClosedException}. A trainer that
 * was forgotten is closed by the garbage collector, some time.
 */
public final class Trainer implements AutoCloseable {
    private final Handle handle;
    private final Schema schema;
    /** Calls hold it shared, so that close waits for them. */
    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private final ByteBuffer error = Call.newError();

    Trainer(long handle) {
        this.handle = Handle.of(this, handle, Native::trainerClose);
        byte[] encoded = Native.trainerSchema(handle, error);
        if (encoded == null) {
            this.handle.close();
            throw Call.failure(error);
        }
        this.schema = new Schema(encoded);
    }

    /**
     * Opens a bundle with the default options.
     *
     * @param bundle the folder that Python exported
     * @return an open trainer, to be closed
     * @throws BundleException if the bundle is missing, damaged, or holds an op that was not allowed
     * @throws TensorFlowException if no TensorFlow library was found, or another one is in this process
     */
    public static Trainer open(Path bundle) {
        return builder(bundle).open();
    }

    /**
     * Opens a bundle with a folder that keeps what is learned, and goes on from what it holds. All else has its default.
     *
     * @param bundle the folder that Python exported
     * @param folder as in {@link FolderStore#at}
     * @return an open trainer, to be closed
     * @throws BundleException if the bundle is missing, damaged, or holds an op that was not allowed
     * @throws TensorFlowException if no TensorFlow library was found, or another one is in this process
     * @throws LockedException if another trainer has the folder, in this process or another one
     * @throws SnapshotException if the folder is not one of a store, of a newer format, or damaged
     * @throws InvalidInputException if the folder holds parameters of another bundle
     */
    public static Trainer open(Path bundle, Path folder) {
        return builder(bundle).store(FolderStore.at(folder)).open();
    }

    /**
     * Opens a bundle with options.
     *
     * @param bundle the folder that Python exported
     * @return the options, all at their defaults
     */
    public static Builder builder(Path bundle) {
        return new Builder(bundle);
    }

    /**
     * What a record looks like.
     *
     * @return immutable, valid after close
     */
    public Schema schema() {
        return schema;
    }

    /**
     * A batch for the records of this model.
     *
     * @param capacity the most rows it shall hold
     * @return empty, for one thread at a time
     * @throws InvalidInputException if the capacity is less than one, or the batch would need more than 2 GiB
     */
    public Batch newBatch(int capacity) {
        return new Batch(schema, capacity);
    }

    /**
     * Predicts the rows of a batch, then learns from them: one forward pass, one backward pass, one update.
     *
     * @param batch rows that all have a label; it is left as it is
     * @return what the step did, with the predictions made before the update
     * @throws InvalidInputException if the batch is empty, lacks a label, or is one of another model
     * @throws NonFiniteException if the loss or a gradient is not finite: nothing was learned
     */
    public Report step(Batch batch) {
        return learn(batch, null);
    }

    /**
     * As {@link #step}, and notes with it where the host is in its stream after this batch. The version and all that is
     * saved of it hold these bytes, so that after a crash {@link #position} says which record comes next.
     *
     * @param batch rows that all have a label; it is left as it is
     * @param position what the host needs to go on from here; it is copied
     * @return what the step did, with the predictions made before the update
     * @throws InvalidInputException if the batch is empty, lacks a label, or is one of another model
     * @throws NonFiniteException if the loss or a gradient is not finite: nothing was learned
     */
    public Report stepTo(Batch batch, byte[] position) {
        return learn(batch, Objects.requireNonNull(position, "position"));
    }

    private Report learn(Batch batch, byte[] position) {
        check(batch, 0, batch.rows());
        if (batch.firstUnlabelled() >= 0) {
            throw new InvalidInputException(
                    "step: a row without label can be predicted only, not learned: row " + batch.firstUnlabelled());
        }
        Call call = batch.call();
        Lock shared = begin();
        try {
            batch.lend();
            try {
                Call.check(
                        Native.trainerStep(
                                handle.value(),
                                batch.slab(),
                                batch.capacity(),
                                batch.rows(),
                                batch.strings().bytes(),
                                batch.strings().size(),
                                position == null ? null : call.position(position),
                                position == null ? 0 : position.length,
                                call.results(),
                                call.error()),
                        call.error());
                return call.report(batch.rows());
            } finally {
                batch.giveBack();
            }
        } finally {
            shared.unlock();
        }
    }

    /**
     * Predicts all rows of a batch with the newest parameters; labels are not looked at.
     *
     * @param batch its rows, with or without labels; it is left as it is
     * @return one prediction a row
     * @throws InvalidInputException if the batch is empty or is one of another model
     */
    public Predictions predict(Batch batch) {
        return predict(batch, 0, batch.rows());
    }

    /**
     * Predicts some rows of a batch with the newest parameters; labels are not looked at.
     *
     * @param batch its rows, with or without labels; it is left as it is
     * @param fromRow the first row to predict: row 0 of the result
     * @param rows how many rows
     * @return one prediction a row
     * @throws InvalidInputException if there are no such rows or the batch is one of another model
     */
    public Predictions predict(Batch batch, int fromRow, int rows) {
        check(batch, fromRow, rows);
        Call call = batch.call();
        Lock shared = begin();
        try {
            batch.lend();
            try {
                long version = Call.check(
                        Native.trainerPredict(
                                handle.value(),
                                batch.slab(),
                                batch.capacity(),
                                fromRow,
                                rows,
                                batch.strings().bytes(),
                                batch.strings().size(),
                                call.results(),
                                call.error()),
                        call.error());
                return call.predictions(rows, version);
            } finally {
                batch.giveBack();
            }
        } finally {
            shared.unlock();
        }
    }

    private void check(Batch batch, int fromRow, int rows) {
        if (batch.schema() != schema && !batch.schema().equals(schema)) {
            throw new InvalidInputException("use batch: it was made for another model, with the schema " + batch.schema());
        }
        if (batch.rows() == 0) {
            throw new InvalidInputException("use batch: it is empty, add a row first");
        }
        if (fromRow < 0 || rows < 1 || rows > batch.rows() - fromRow) {
            throw new InvalidInputException(
                    "use batch: it has " + batch.rows() + " rows, not " + rows + " from row " + fromRow);
        }
    }

    /**
     * The number of the newest parameters.
     *
     * @return it grows with every step
     */
    public long version() {
        Lock shared = begin();
        try {
            synchronized (error) {
                return Call.check(Native.trainerVersion(handle.value(), error), error);
            }
        } finally {
            shared.unlock();
        }
    }

    /**
     * The native memory that this trainer holds for parameters, slots and frozen weights, which the JVM does not see.
     *
     * @return bytes
     */
    public long nativeBytes() {
        Lock shared = begin();
        try {
            synchronized (error) {
                return Call.check(Native.trainerMemory(handle.value(), error), error);
            }
        } finally {
            shared.unlock();
        }
    }

    /**
     * The metrics as of the newest step.
     *
     * @return plain data
     */
    public Metrics metrics() {
        Call call = new Call(schema, 0);
        Lock shared = begin();
        try {
            Call.check(Native.trainerMetrics(handle.value(), call.results(), call.error()), call.error());
        } finally {
            shared.unlock();
        }
        return call.metrics();
    }

    /**
     * The names of all trainable parameters, as in Keras.
     *
     * @return an unmodifiable list in the bundle's order
     */
    public List<String> parameterNames() {
        return schema.parameters();
    }

    /**
     * The shape of a parameter.
     *
     * @param name one of {@link #parameterNames}
     * @return a copy; empty for a scalar
     * @throws InvalidInputException if there is no such parameter
     */
    public int[] parameterShape(String name) {
        return schema.parameterShape(find(name)).clone();
    }

    /**
     * The newest value of a parameter.
     *
     * @param name one of {@link #parameterNames}
     * @return a copy, in row-major order
     * @throws InvalidInputException if there is no such parameter
     */
    public float[] parameter(String name) {
        long elements = 1;
        for (int dimension : schema.parameterShape(find(name))) {
            elements *= dimension;
        }
        if (elements > Layout.MOST_BYTES / Float.BYTES) {
            throw new InvalidInputException("read parameter: it has more than 2 GiB, take it from a snapshot: " + name);
        }
        ByteBuffer values = Layout.allocate((int) elements * Float.BYTES);
        ByteBuffer failure = Call.newError();
        Lock shared = begin();
        try {
            byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
            Call.check(Native.trainerParameter(handle.value(), utf8, values, failure), failure);
        } finally {
            shared.unlock();
        }
        float[] copy = new float[(int) elements];
        values.asFloatBuffer().get(copy);
        return copy;
    }

    private int find(String name) {
        int index = schema.parameters().indexOf(name);
        if (index < 0) {
            throw new InvalidInputException(
                    "read parameter: the bundle has " + schema.parameters() + " but no parameter " + name);
        }
        return index;
    }

    /**
     * Where the host was in its stream, as it said with the last {@link #stepTo}, in this process or before the folder
     * was opened again.
     *
     * @return a copy; empty if it never said anything
     */
    public Optional<byte[]> position() {
        ByteBuffer answer = ask(Native::trainerPosition);
        if (answer.get() == 0) {
            return Optional.empty();
        }
        byte[] position = new byte[answer.remaining()];
        answer.get(position);
        return Optional.of(position);
    }

    /**
     * Saves the newest version, and returns when it, or a newer one, will outlast the process and the machine's power.
     * Other threads learn on meanwhile.
     *
     * @return the version saved
     * @throws StreamgradException if that failed; if the parameters live in memory only, see {@link Builder#store}
     */
    public VersionId save() {
        return new VersionId(ask(Native::trainerSave));
    }

    /**
     * Goes back to a version that is kept, with everything that belongs to it, and saves that as the first version of a
     * new lineage. Gradients that other threads compute meanwhile are applied to it.
     *
     * @param version one of {@link #keptVersions}
     * @return the version that this makes: the same number in another lineage
     * @throws InvalidInputException if the version is not kept: nothing has changed
     * @throws SnapshotException if it is damaged: nothing has changed
     * @throws StreamgradException if the trainer went back, but the folder could not be written
     */
    public VersionId rollback(VersionId version) {
        return new VersionId(
                ask((handle, error) -> Native.trainerRollback(handle, version.lineage(), version.number(), error)));
    }

    /**
     * The versions that the folder keeps. A damaged one is left out.
     *
     * @return an unmodifiable list, the oldest first
     * @throws StreamgradException if the folder cannot be read, or the parameters live in memory only
     */
    public List<KeptVersion> keptVersions() {
        return KeptVersion.list(ask(Native::trainerKeptVersions));
    }

    /**
     * What became of the snapshots so far; without a store, nothing did.
     *
     * @return plain data, as of now
     */
    public StoreStatus storeStatus() {
        return new StoreStatus(ask(Native::trainerStoreStatus));
    }

    /**
     * Pins the newest version with everything that belongs to it, without copying a tensor, for a host that keeps
     * checkpoints of its own.
     *
     * @return to be closed; it can outlive this trainer
     */
    public Checkpoint checkpoint() {
        return new Checkpoint(this, tell(Native::trainerCheckpoint));
    }

    /**
     * Goes on from what {@link Checkpoint#writeTo} wrote, with the same bits of everything, in a new lineage. It wins over
     * what a folder holds, which gets it as its newest version. Gradients that other threads compute meanwhile are applied
     * to it.
     *
     * @param in is read to its end, and not closed
     * @return the version that this makes, with the checkpoint's number
     * @throws IOException what {@code in} throws: nothing has changed
     * @throws InvalidInputException if it is a checkpoint of another bundle: nothing has changed
     * @throws SnapshotException if it is damaged, cut, or of a newer format: nothing has changed
     */
    public VersionId restore(InputStream in) throws IOException {
        try (Arrival arrival = Arrival.of(in)) {
            return new VersionId(ask((handle, error) -> Native.trainerRestore(handle, arrival.value(), error)));
        }
    }

    /**
     * Keeps a version's snapshot, whatever the rules of the folder say, until it is released or the trainer is closed. It
     * may be saved later than it is held.
     *
     * @param version any
     * @throws StreamgradException if the parameters live in memory only
     */
    public void hold(VersionId version) {
        tell((handle, error) -> Native.trainerHold(handle, version.lineage(), version.number(), error));
    }

    /**
     * Leaves a version's snapshot to the rules of the folder again.
     *
     * @param version any
     * @throws StreamgradException if the parameters live in memory only
     */
    public void release(VersionId version) {
        tell((handle, error) -> Native.trainerRelease(handle, version.lineage(), version.number(), error));
    }

    interface Question {
        byte[] ask(long handle, ByteBuffer error);
    }

    private interface Request {
        long tell(long handle, ByteBuffer error);
    }

    private long tell(Request request) {
        ByteBuffer failure = Call.newError();
        Lock shared = begin();
        try {
            return Call.check(request.tell(handle.value(), failure), failure);
        } finally {
            shared.unlock();
        }
    }

    ByteBuffer ask(Question question) {
        ByteBuffer failure = Call.newError();
        Lock shared = begin();
        try {
            return Call.check(question.ask(handle.value(), failure), failure);
        } finally {
            shared.unlock();
        }
    }

    /**
     * Takes in no more calls, waits for those in flight, saves as the options of its store say, and frees all native
     * memory; again, it does nothing. Nobody hears of it if it could not save: {@link #save} before, to see that. A JVM
     * that ends without closing keeps what was saved until then.
     */
    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            handle.close();
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** Keeps the trainer open until the lock it returns is given back. */
    private Lock begin() {
        Lock shared = lock.readLock();
        shared.lock();
        if (handle.value() == 0) {
            shared.unlock();
            throw new ClosedException("use trainer: it was closed, open a new one");
        }
        return shared;
    }
}
