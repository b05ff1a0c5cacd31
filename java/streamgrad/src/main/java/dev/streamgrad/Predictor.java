package dev.streamgrad;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A model that predicts by the newest version of its parameters, wherever these come from.
 *
 * <table>
 * <caption>Versions</caption>
 * <tr><th>from</th><th>by</th><th>its versions</th></tr>
 * <tr><td>a trainer in this process</td><td>{@link #of}</td><td>the newest at each call</td></tr>
 * <tr><td>the folder of a store</td><td>{@link #follow}</td><td>the newest that was saved</td></tr>
 * <tr><td>a folder of numbered bundles</td><td>{@link #numbered}</td><td>the one with the highest number that opens</td></tr>
 * <tr><td>a host that names them</td><td>{@link #switchTo}</td><td>that one</td></tr>
 * </table>
 *
 * <p>A new version is loaded and warmed beside the one that predicts, by a thread that never enters the JVM, and takes its
 * place by one pointer: no call waits for a version or fails for one, and each sees one version whole, which its predictions
 * name. A version that cannot be used is refused: {@link #status} tells it, and the one before goes on.
 *
 * <p>Safe for use by several threads, each with a {@link Batch} of its own. It holds native memory until {@link #close},
 * which waits for the calls in flight; every later call throws {@link ClosedException}. A predictor that was forgotten is
 * closed by the garbage collector, some time.
 */
public final class Predictor implements AutoCloseable {
    private static final PredictCall PREDICT = new PredictCall(Native::predictorPredict, Native::predictorPredictImported);

    private final Handle handle;
    private final Schema schema;

    Predictor(long handle) {
        this.handle = new Handle(this, "predictor", handle, Native::predictorClose);
        this.schema = Schema.of(this.handle, Native::predictorSchema);
    }

    /**
     * Predicts by what this trainer learns. It shares the trainer's graph and parameters, and outlives it.
     *
     * @param trainer open
     * @return an open predictor, to be closed
     */
    public static Predictor of(Trainer trainer) {
        return new Predictor(trainer.openPredictor());
    }

    /**
     * Predicts by the snapshots that a trainer of this bundle saves in a folder, in this or any other process, with the
     * default options.
     *
     * @param bundle the folder that Python exported
     * @param folder that of a {@link FolderStore}
     * @return an open predictor, to be closed
     * @throws InvalidInputException if the folder holds parameters of another bundle
     * @throws BundleException if the bundle is missing, damaged, or holds an op that was not allowed
     * @throws SnapshotException if the folder is not one of a store, of a newer format, or no snapshot in it can be read
     * @throws TensorFlowException if no TensorFlow library was found, or another one is in this process
     */
    public static Predictor follow(Path bundle, Path folder) {
        return builder(bundle).follow(folder).open();
    }

    /**
     * Predicts by versions of a bundle: its own values, and those in the folder that {@link PredictorBuilder#follow} names.
     *
     * @param bundle the folder that Python exported
     * @return the options, all at their defaults
     */
    public static PredictorBuilder builder(Path bundle) {
        return PredictorBuilder.bundle(bundle);
    }

    /**
     * Predicts by the bundles in the subfolders {@code 1}, {@code 2}, ... of a folder. All take and give the same columns.
     * Copy a new one to another name and rename it, or copy its {@code bundle.json} last: one that is incomplete is reported.
     *
     * @param folder what holds the numbered folders
     * @return the options, all at their defaults
     */
    public static PredictorBuilder numbered(Path folder) {
        return PredictorBuilder.numbered(folder);
    }

    /**
     * What a record looks like; it fits every version.
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
     * Predicts all rows of a batch by one version; labels are not looked at.
     *
     * @param batch its rows, with or without labels; it is left as it is
     * @return one prediction a row, and the version that made them
     * @throws InvalidInputException if the batch is empty or is one of another model
     */
    public Predictions predict(Batch batch) {
        return predict(batch, 0, batch.rows());
    }

    /**
     * Predicts some rows of a batch by one version; labels are not looked at.
     *
     * @param batch its rows, with or without labels; it is left as it is
     * @param fromRow the first row to predict: row 0 of the result
     * @param rows how many rows
     * @return one prediction a row, and the version that made them
     * @throws InvalidInputException if there are no such rows or the batch is one of another model
     */
    public Predictions predict(Batch batch, int fromRow, int rows) {
        return PREDICT.predict(handle, schema, batch, fromRow, rows);
    }

    /**
     * The version that predicts.
     *
     * @return its name
     */
    public VersionId version() {
        return version(Native::predictorVersion);
    }

    /**
     * What predicts, since when, how old it is, and what could not take its place.
     *
     * @return plain data, as of now
     */
    public PredictorStatus status() {
        return new PredictorStatus(handle.askBytes(Native::predictorStatus));
    }

    /**
     * The native memory that the version which predicts takes, which the JVM does not see. While the next one is loaded
     * there are two.
     *
     * @return bytes
     */
    public long nativeBytes() {
        return handle.askNumber(Native::predictorMemory);
    }

    /**
     * Looks for a newer version now and in this thread. While one is pinned, it stays.
     *
     * @return the version that predicts then
     * @throws StreamgradException if the newest version was refused, with the reason, or the folder cannot be read; the
     *     version before goes on predicting
     */
    public VersionId look() {
        return version(Native::predictorLook);
    }

    /**
     * Loads a version in this thread, and predicts by it from then on. Following goes on with the next version that appears.
     *
     * @param version one that the folder keeps, or the bundle's own values
     * @return the same
     * @throws InvalidInputException if there is no such version, naming those that there are; the version before goes on
     *     predicting, as after any other error
     * @throws SnapshotException if it is damaged
     * @throws StreamgradException if the predictor is one {@link #of} a trainer, which has no version but its newest
     */
    public VersionId switchTo(VersionId version) {
        return switchTo(version.toString(), 0);
    }

    /**
     * The same, by a number alone: that of a numbered bundle, or of a version in the lineage that is the newest.
     *
     * @param number zero or more
     * @return the version's full name
     * @throws InvalidInputException if there is no such version, naming those that there are
     */
    public VersionId switchTo(long number) {
        return switchTo(Long.toString(number), 0);
    }

    /**
     * As {@link #switchTo(VersionId)}, and stays there until {@link #unpin}, or until the host names another.
     *
     * @param version one that the folder keeps, or the bundle's own values
     * @return the same
     * @throws InvalidInputException if there is no such version, naming those that there are
     */
    public VersionId pin(VersionId version) {
        return switchTo(version.toString(), 1);
    }

    /**
     * As {@link #switchTo(long)}, and stays there until {@link #unpin}, or until the host names another.
     *
     * @param number zero or more
     * @return the version's full name
     * @throws InvalidInputException if there is no such version, naming those that there are
     */
    public VersionId pin(long number) {
        return switchTo(Long.toString(number), 1);
    }

    private VersionId switchTo(String name, int pin) {
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        return version((handle, error) -> Native.predictorSwitch(handle, utf8, pin, error));
    }

    /**
     * Stays at the version that predicts now until {@link #unpin}.
     *
     * @return its name
     */
    public VersionId pin() {
        return version(Native::predictorPinCurrent);
    }

    /** Follows again, and at once. */
    public void unpin() {
        handle.askNumber(Native::predictorUnpin);
    }

    /**
     * Goes back to the version that predicted before this one, and pins it; again, to the one before that. It is read anew,
     * so it has to be kept still.
     *
     * @return its name
     * @throws InvalidInputException if there was none, or it is not kept any more; this one goes on predicting
     * @throws StreamgradException if the predictor is one {@link #of} a trainer: {@link Trainer#rollback} goes back there
     */
    public VersionId rollback() {
        return version(Native::predictorRollback);
    }

    private VersionId version(Handle.Bytes method) {
        ByteBuffer answer = handle.askBytes(method);
        return new VersionId(answer);
    }

    /** Takes in no more calls, waits for those in flight, and frees all native memory; again, it does nothing. */
    @Override
    public void close() {
        handle.close();
    }
}
