package dev.streamgrad;

import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The options that trainers, predictors and {@link SavedModel} have in common; what is not set has its default. For one
 * thread at a time; it holds no native memory and can open several of them.
 *
 * @param <B> the builder itself, which each method returns
 */
public abstract class ModelBuilder<B extends ModelBuilder<B>> {
    /** Lines as {@code src/jvm/options.rs} reads them; what is set later counts. */
    private final StringBuilder options = new StringBuilder();
    private Path library;
    private boolean tensorflow;
    private int intraOpThreads = 1;

    ModelBuilder() {}

    abstract B self();

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
    public B tensorflow(Path path) {
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
    public B library(Path path) {
        this.library = path.toAbsolutePath();
        return self();
    }

    /**
     * Threads within one TensorFlow op. It is one pool per process: the first trainer or predictor sizes it.
     *
     * @param threads one by default; two or more for large models
     * @return this builder
     */
    public B intraOpThreads(int threads) {
        intraOpThreads = threads;
        return option("intra_op_threads", Integer.toString(threads));
    }

    /**
     * Threads across TensorFlow ops.
     *
     * @param threads by default none: every op runs in the caller's thread
     * @return this builder
     */
    public B interOpThreads(int threads) {
        return option("inter_op_threads", Integer.toString(threads));
    }

    /**
     * Allows one op that a bundle's graph is refused for, because it reaches files, the network or other libraries.
     * May be called several times.
     *
     * @param op its name in TensorFlow, as in the error
     * @return this builder
     */
    public B allowOp(String op) {
        return option("allow_op", op);
    }

    final B option(String key, String value) {
        options.append(line(key, value));
        return self();
    }

    static String line(String key, String value) {
        if (value.indexOf('\n') >= 0) {
            throw new InvalidInputException("set option: a line break has no place in " + key);
        }
        return key + '=' + value + '\n';
    }

    /** The native method that opens what is built. */
    @FunctionalInterface
    interface Open {
        long open(byte[] path, byte[] options, ByteBuffer error);
    }

    /** Opens a path with these options and more; loads the library, and TensorFlow if this process has not. */
    final long open(Open method, Path path, String more) {
        NativeLoader.load(library);
        StringBuilder lines = new StringBuilder(options).append(more);
        if (NativeLoader.folder() != null) {
            lines.append("tensorflow_beside=").append(NativeLoader.folder()).append('\n');
        }
        URL artifact = TensorFlowArtifact.find();
        if (artifact == null) {
            return call(method, path, lines + "tensorflow_tried=" + TensorFlowArtifact.NAME + " on the class path\n");
        }
        try {
            return call(method, path, lines + "tensorflow_python=false\n");
        } catch (TensorFlowException e) {
            // What was named is never passed over; else the artifact's turn comes after the places that cost nothing.
            String named = System.getenv("STREAMGRAD_TENSORFLOW");
            if (e.status() != Status.TENSORFLOW_NOT_FOUND || tensorflow || named != null && !named.isEmpty()) {
                throw e;
            }
            Path unpacked = TensorFlowArtifact.unpack(artifact, TensorFlowArtifact.cache());
            return call(method, path, lines + "tensorflow=" + unpacked + '\n');
        }
    }

    /** What a bundle says of its records, without opening it. */
    final Schema read(Path bundle) {
        NativeLoader.load(library);
        StringBuilder lines = new StringBuilder(options);
        if (NativeLoader.folder() != null) {
            lines.append("tensorflow_beside=").append(NativeLoader.folder()).append('\n');
        }
        ByteBuffer error = Call.newError();
        byte[] answer = Native.bundleSchema(utf8(bundle), lines.toString().getBytes(StandardCharsets.UTF_8), error);
        return new Schema(Call.check(answer, error).array());
    }

    private static byte[] utf8(Path path) {
        return path.toAbsolutePath().toString().getBytes(StandardCharsets.UTF_8);
    }

    private long call(Open method, Path path, String lines) {
        ByteBuffer error = Call.newError();
        long handle = Call.check(method.open(utf8(path), lines.getBytes(StandardCharsets.UTF_8), error), error);
        warnOfAnotherPool();
        return handle;
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
