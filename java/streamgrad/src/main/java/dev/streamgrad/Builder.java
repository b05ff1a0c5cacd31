package dev.streamgrad;

import java.nio.file.Path;
import java.util.Objects;

/**
 * The options that a trainer is opened with; what is not set has its default. For one thread at a time; it holds no
 * native memory and can open several trainers.
 */
public final class Builder extends ModelBuilder<Builder> {
    private final Path bundle;
    private FolderStore store;
    private TensorBoard tensorboard;
    private Guard guard;

    Builder(Path bundle) {
        this.bundle = Objects.requireNonNull(bundle, "bundle");
    }

    @Override
    Builder self() {
        return this;
    }

    /**
     * A learning rate in place of the bundle's own, or of its schedule, for all groups of parameters alike.
     *
     * @param rate a positive number
     * @return this builder
     */
    public Builder learningRate(double rate) {
        return option("learning_rate", Double.toString(rate));
    }

    /**
     * How far the sliding window of the metrics reaches back.
     *
     * @param rows one or more
     * @return this builder
     */
    public Builder metricsWindow(long rows) {
        return option("metrics_window", Long.toString(rows));
    }

    /**
     * Where the parameters live, beyond this process.
     *
     * @param store a folder and its options; the trainer holds the folder until it is closed
     * @return this builder
     */
    public Builder store(FolderStore store) {
        this.store = Objects.requireNonNull(store, "store");
        return this;
    }

    /**
     * What the bundle says of its records and of its outputs, as {@link PredictorBuilder#schema}.
     *
     * @return without metrics and parameters
     * @throws BundleException if there is no bundle, or its manifest is damaged
     */
    public Schema schema() {
        return read(bundle);
    }

    /**
     * Writes for TensorBoard, beside training.
     *
     * @param tensorboard a folder and its options
     * @return this builder
     */
    public Builder tensorboard(TensorBoard tensorboard) {
        this.tensorboard = Objects.requireNonNull(tensorboard, "tensorboard");
        return this;
    }

    /**
     * Which updates are refused beside those that are not finite, and what comes of it.
     *
     * @param guard by default there is none
     * @return this builder
     */
    public Builder guard(Guard guard) {
        this.guard = Objects.requireNonNull(guard, "guard");
        return this;
    }

    /**
     * Whether other processes of the same user may command this trainer by a socket in its store's folder, if it has one.
     *
     * @param listen true by default
     * @return this builder
     */
    public Builder control(boolean listen) {
        return option("control", Boolean.toString(listen));
    }

    /**
     * Opens the bundle: verifies it, loads TensorFlow if this process has not, and makes the parameters.
     *
     * @return an open trainer, to be closed
     * @throws InvalidInputException if an option is out of its range, or the store's folder holds parameters of another
     *     bundle
     * @throws BundleException if the bundle is missing, damaged, or holds an op that was not allowed
     * @throws TensorFlowException if no TensorFlow library was found, or another one is in this process
     * @throws LockedException if another trainer has the store's folder, in this process or another one
     * @throws SnapshotException if that folder is not one of a store, of a newer format, or damaged
     */
    public Trainer open() {
        String lines = (store == null ? "" : store.lines()) + (tensorboard == null ? "" : tensorboard.lines()) + (guard == null ? "" : guard.lines());
        return new Trainer(open(Native::trainerOpen, bundle, lines));
    }
}
