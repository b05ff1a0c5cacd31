package dev.streamgrad;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The options that a predictor is opened with; what is not set has its default. For one thread at a time; it holds no
 * native memory and can open several predictors.
 */
public final class PredictorBuilder extends ModelBuilder<PredictorBuilder> {
    private final Open method;
    private final boolean numbered;
    private final Path path;

    private PredictorBuilder(Open method, boolean numbered, Path path, String name) {
        this.method = method;
        this.numbered = numbered;
        this.path = Objects.requireNonNull(path, name);
    }

    static PredictorBuilder bundle(Path bundle) {
        return new PredictorBuilder(Native::predictorOpen, false, bundle, "bundle");
    }

    static PredictorBuilder numbered(Path folder) {
        return new PredictorBuilder(Native::predictorNumbered, true, folder, "folder");
    }

    @Override
    PredictorBuilder self() {
        return this;
    }

    /**
     * Follows the snapshots that a trainer of this bundle saves in a folder, in this or any other process. As long as
     * there is none, the bundle's own values predict.
     *
     * @param folder that of a {@link FolderStore}
     * @return this builder
     */
    public PredictorBuilder follow(Path folder) {
        return option("follow", Objects.requireNonNull(folder, "folder").toAbsolutePath().toString());
    }

    /**
     * How often to look for a newer version. A look reads a list and a small file.
     *
     * @param interval one second by default; zero for never: then the host calls {@link Predictor#look}, or names the
     *     versions
     * @return this builder
     */
    public PredictorBuilder every(Duration interval) {
        return option("every_nanos", FolderStore.nanos(interval));
    }

    /**
     * The signature of a SavedModel to predict by.
     *
     * @param name {@code serving_default} unless said, or the only one that the SavedModel has
     * @return this builder
     */
    public PredictorBuilder signature(String name) {
        return option("signature", name);
    }

    /**
     * What the bundle says of its records and of its outputs, read from its manifest alone: nothing else is verified, and
     * TensorFlow is not needed unless the path is a graph that a JSON file describes.
     *
     * @return without metrics and parameters; of numbered bundles, that of the highest number
     * @throws BundleException if there is no bundle, or its manifest is damaged
     * @throws StreamgradException if a folder of numbered bundles cannot be listed
     */
    public Schema schema() {
        return read(numbered ? highest() : path);
    }

    private Path highest() {
        try (Stream<Path> folders = Files.list(path)) {
            return folders.filter(folder -> folder.getFileName().toString().matches("0|[1-9][0-9]{0,17}"))
                    .max(Comparator.comparingLong(folder -> Long.parseLong(folder.getFileName().toString())))
                    .orElseThrow(() -> new BundleException(Status.INVALID_BUNDLE, "read schema: there is no numbered bundle in " + path));
        } catch (IOException e) {
            throw new StreamgradException(Status.IO, "read schema: is this a folder of numbered bundles? " + path, e);
        }
    }

    /**
     * Opens the newest version that can be read, warms it, and begins to follow.
     *
     * @return an open predictor, to be closed
     * @throws InvalidInputException if an option is out of its range, or the folder holds parameters of another bundle
     * @throws BundleException if the bundle, or each of the numbered ones, is missing, damaged, or holds an op that was not
     *     allowed
     * @throws SnapshotException if the folder is not one of a store, of a newer format, or no snapshot in it can be read
     * @throws TensorFlowException if no TensorFlow library was found, or another one is in this process
     */
    public Predictor open() {
        return new Predictor(open(method, path, ""));
    }
}
