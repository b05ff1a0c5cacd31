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

/**
 * A model that learns from and predicts on batches of records, in this process.
 *
 * <p>Safe for use by several threads, each with a {@link Batch} of its own. It holds native memory until
 * {@link #close}, which waits for the calls in flight; every later call throws {@link ClosedException}. A trainer that
 * was forgotten is closed by the garbage collector, some time.
 */
public final class Trainer extends SteeredTrainer implements AutoCloseable {
    private static final PredictCall PREDICT = new PredictCall(Native::trainerPredict, Native::trainerPredictImported);

    Trainer(long handle) {
        super(handle);
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
     * @throws OutlierException if the {@link Guard} refuses it: nothing was learned
     * @throws PausedException if it is paused
     * @throws StoppedException if it was stopped
     */
    public Report step(Batch batch) {
        return StepCall.step(handle, schema, batch, null);
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
     * @throws OutlierException if the {@link Guard} refuses it: nothing was learned
     * @throws PausedException if it is paused
     * @throws StoppedException if it was stopped
     */
    public Report stepTo(Batch batch, byte[] position) {
        return StepCall.step(handle, schema, batch, Objects.requireNonNull(position, "position"));
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
        return PREDICT.predict(handle, schema, batch, fromRow, rows);
    }

    /** A handle for a predictor that shares this trainer's parameters. */
    long openPredictor() {
        return handle.askNumber(Native::predictorOf);
    }

    /**
     * The number of the newest parameters.
     *
     * @return it grows with every step
     */
    public long version() {
        return handle.askNumber(Native::trainerVersion);
    }

    /**
     * The native memory that this trainer holds for parameters, slots and frozen weights, which the JVM does not see.
     *
     * @return bytes
     */
    public long nativeBytes() {
        return handle.askNumber(Native::trainerMemory);
    }

    /**
     * The metrics as of the newest step.
     *
     * @return plain data
     */
    public Metrics metrics() {
        Call call = new Call(schema, 0);
        Lock shared = handle.begin();
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
        Lock shared = handle.begin();
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
        ByteBuffer answer = handle.askBytes(Native::trainerPosition);
        if (answer.get() == 0) {
            return Optional.empty();
        }
        byte[] position = new byte[answer.remaining()];
        answer.get(position);
        return Optional.of(position);
    }

    /**
     * Writes the newest version as a SavedModel into {@code folder/<number>}, as TensorFlow Serving wants it: complete or
     * not at all. Other threads learn on meanwhile.
     *
     * @param folder of the model, with one folder for each version; made if there is none
     * @return the version written
     * @throws InvalidInputException if {@code folder/<number>} exists
     * @throws BundleException if the bundle was exported before there was this: export it again
     * @throws StreamgradException if it cannot be written
     */
    public VersionId toSavedModel(Path folder) {
        byte[] path = Objects.requireNonNull(folder, "folder").toAbsolutePath().toString().getBytes(StandardCharsets.UTF_8);
        return new VersionId(handle.askBytes((handle, error) -> Native.trainerToSavedModel(handle, path, error)));
    }

    /**
     * The versions that the folder keeps. A damaged one is left out.
     *
     * @return an unmodifiable list, the oldest first
     * @throws StreamgradException if the folder cannot be read, or the parameters live in memory only
     */
    public List<KeptVersion> keptVersions() {
        return KeptVersion.list(handle.askBytes(Native::trainerKeptVersions));
    }

    /**
     * What became of the snapshots so far; without a store, nothing did.
     *
     * @return plain data, as of now
     */
    public StoreStatus storeStatus() {
        return new StoreStatus(handle.askBytes(Native::trainerStoreStatus));
    }

    /**
     * The trainer as it is now in Prometheus' text format: what a host answers when it is scraped.
     *
     * @return the text, whose content type is {@code text/plain; version=0.0.4}
     */
    public String prometheus() {
        return StandardCharsets.UTF_8.decode(handle.askBytes(Native::trainerPrometheus)).toString();
    }

    /**
     * Pins the newest version with everything that belongs to it, without copying a tensor, for a host that keeps
     * checkpoints of its own.
     *
     * @return to be closed; it can outlive this trainer
     */
    public Checkpoint checkpoint() {
        return new Checkpoint(handle, handle.askNumber(Native::trainerCheckpoint));
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
            return new VersionId(
                    handle.askBytes((trainer, error) -> Native.trainerRestore(trainer, arrival.value(), error)));
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
        handle.askNumber((trainer, error) -> Native.trainerHold(trainer, version.lineage(), version.number(), error));
    }

    /**
     * Leaves a version's snapshot to the rules of the folder again.
     *
     * @param version any
     * @throws StreamgradException if the parameters live in memory only
     */
    public void release(VersionId version) {
        handle.askNumber((trainer, error) -> Native.trainerRelease(trainer, version.lineage(), version.number(), error));
    }

    /**
     * Takes in no more calls, waits for those in flight, saves as the options of its store say, and frees all native
     * memory; again, it does nothing. Nobody hears of it if it could not save: {@link #save} before, to see that. A JVM
     * that ends without closing keeps what was saved until then.
     */
    @Override
    public void close() {
        handle.close();
    }
}
