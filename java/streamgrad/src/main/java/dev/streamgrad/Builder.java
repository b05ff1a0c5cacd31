package dev.streamgrad;

import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Objects;

/**
 * The options that a trainer is opened with; what is not set has its default. For one thread at a time; it holds no
 * native memory and can open several trainers.
 */
public final class Builder {
    private final Path bundle;
    private final StringBuilder options = new StringBuilder();
    private Path library;
    private FolderStore store;
    private boolean tensorflow;
    private int intraOpThreads = 1;

    Builder(Path bundle) {
        this.bundle = Objects.requireNonNull(bundle, "bundle");
    }

    /**
     * The TensorFlow library to use, a file or the folder that holds it, in place of the search. TensorFlow is loaded
     * once per process: if another copy is there already, opening fails and names both.
     *
     * <p>The search: a copy that is loaded already, the environment's {@code STREAMGRAD_TENSORFLOW}, the folder of
     * Streamgrad's library, the artifact {@code org.tensorflow:tensorflow-core-native} (classifier
     * {@code linux-x86_64}) on the class path, the {@code tensorflow} package of the Python on the path.
     *
     * @param path of {@code libtensorflow_cc.so.2}, or a folder with it
     * @return this builder
     */
    public Builder tensorflow(Path path) {
        tensorflow = true;
        return option("tensorflow", path.toAbsolutePath().toString());
    }

    /**
     * The native library of Streamgrad, in place of the search; if it cannot be loaded, no other is tried. It is loaded
     * once per class loader. The system property {@code streamgrad.library} says the same for a whole JVM.
     *
     * @param path of {@code libstreamgrad.so}
     * @return this builder
     */
    public Builder library(Path path) {
        this.library = path.toAbsolutePath();
        return this;
    }

    /**
     * Threads within one TensorFlow op. It is one pool per process: the first trainer sizes it.
     *
     * @param threads one by default; two or more for large models
     * @return this builder
     */
    public Builder intraOpThreads(int threads) {
        intraOpThreads = threads;
        return option("intra_op_threads", Integer.toString(threads));
    }

    /**
     * Threads across TensorFlow ops.
     *
     * @param threads by default none: every op runs in the caller's thread
     * @return this builder
     */
    public Builder interOpThreads(int threads) {
        return option("inter_op_threads", Integer.toString(threads));
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
     * Allows one op that a bundle's graph is refused for, because it reaches files, the network or other libraries.
     * May be called several times.
     *
     * @param op its name in TensorFlow, as in the error
     * @return this builder
     */
    public Builder allowOp(String op) {
        return option("allow_op", op);
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

    private Builder option(String key, String value) {
        if (value.indexOf('\n') >= 0) {
            throw new InvalidInputException("set option: a line break has no place in " + key);
        }
        options.append(key).append('=').append(value).append('\n');
        return this;
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
        NativeLoader.load(library);
        StringBuilder lines = new StringBuilder(options);
        if (store != null) {
            lines.append(store.lines());
        }
        if (NativeLoader.folder() != null) {
            lines.append("tensorflow_beside=").append(NativeLoader.folder()).append('\n');
        }
        URL artifact = TensorFlowArtifact.find();
        if (artifact == null) {
            return open(lines + "tensorflow_tried=" + TensorFlowArtifact.NAME + " on the class path\n");
        }
        try {
            return open(lines + "tensorflow_python=false\n");
        } catch (TensorFlowException e) {
            // What was named is never passed over; else the artifact's turn comes after the places that cost nothing.
            String named = System.getenv("STREAMGRAD_TENSORFLOW");
            if (e.status() != Status.TENSORFLOW_NOT_FOUND || tensorflow || named != null && !named.isEmpty()) {
                throw e;
            }
            Path unpacked = TensorFlowArtifact.unpack(artifact, TensorFlowArtifact.cache());
            return open(lines + "tensorflow=" + unpacked + '\n');
        }
    }

    private Trainer open(String lines) {
        ByteBuffer error = Call.newError();
        byte[] path = bundle.toAbsolutePath().toString().getBytes(StandardCharsets.UTF_8);
        byte[] utf8 = lines.getBytes(StandardCharsets.UTF_8);
        Trainer trainer = new Trainer(Call.check(Native.trainerOpen(path, utf8, error), error));
        warnOfAnotherPool();
        return trainer;
    }

    /** TensorFlow has one such pool per process, whatever class loader we are in; so the first wish is kept there too. */
    private void warnOfAnotherPool() {
        String wish = Integer.toString(intraOpThreads);
        Object first = System.getProperties().putIfAbsent("streamgrad.intra-op-threads", wish);
        if (first != null && !first.equals(wish)) {
            System.getLogger("dev.streamgrad")
                    .log(
                            System.Logger.Level.WARNING,
                            "TensorFlow''s pool inside ops was sized by the first trainer of this process with {0},"
                                    + " the wish for {1} has no effect",
                            first,
                            wish);
        }
    }
}
