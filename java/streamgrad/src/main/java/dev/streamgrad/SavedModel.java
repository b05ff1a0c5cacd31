package dev.streamgrad;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Writes a version that was saved as a SavedModel, for TensorFlow Serving, without a trainer: of a trainer's newest version
 * it is {@link Trainer#toSavedModel}. For one thread at a time; it holds no native memory and can write several versions.
 *
 * <pre>{@code
 * VersionId written = SavedModel.of(bundle).store(Path.of("model")).version(version).write(Path.of("served/flights"));
 * }</pre>
 */
public final class SavedModel extends ModelBuilder<SavedModel> {
    private final Path bundle;

    private SavedModel(Path bundle) {
        this.bundle = Objects.requireNonNull(bundle, "bundle");
    }

    /**
     * A bundle, whose own values are written, as number 0, unless a {@link #store} is named.
     *
     * @param bundle its folder
     * @return all options at their defaults
     */
    public static SavedModel of(Path bundle) {
        return new SavedModel(bundle);
    }

    @Override
    SavedModel self() {
        return this;
    }

    /**
     * Takes what was saved in the folder of a store, whose trainer goes on meanwhile, in this or any other process.
     *
     * @param folder that of a {@link FolderStore}
     * @return this builder
     */
    public SavedModel store(Path folder) {
        return option("store", Objects.requireNonNull(folder, "folder").toAbsolutePath().toString());
    }

    /**
     * The version to write, instead of the one that was saved last.
     *
     * @param version one that the store keeps
     * @return this builder
     */
    public SavedModel version(VersionId version) {
        return option("version", version.toString());
    }

    /**
     * Writes it into {@code folder/<number>}, as TensorFlow Serving wants it: complete or not at all.
     *
     * @param folder of the model, with one folder for each version; made if there is none
     * @return the version written
     * @throws InvalidInputException if {@code folder/<number>} exists, or the store keeps no such version, or none at all
     * @throws BundleException if the bundle is missing, damaged, or was exported before there was this: export it again
     * @throws SnapshotException if the folder is not one of a store, or the version is damaged
     * @throws TensorFlowException if no TensorFlow library was found, or another one is in this process
     * @throws StreamgradException if it cannot be written
     */
    public VersionId write(Path folder) {
        ByteBuffer written = Layout.allocate(2 * Long.BYTES);
        String target = line("folder", Objects.requireNonNull(folder, "folder").toAbsolutePath().toString());
        open((path, options, error) -> Native.savedModelWrite(path, options, written, error), bundle, target);
        return new VersionId(written);
    }
}
