package dev.streamgrad;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * A folder in which a trainer writes for TensorBoard, and how often: curves, histograms and the graph, by a thread that
 * never enters the JVM. All is written when the trainer is closed.
 *
 * <p>A folder that cannot be written does not stop learning: {@link Log#drain} and {@link Trainer#prometheus} tell it, and
 * it is tried again.
 *
 * <p>This is only what is wished for: immutable, safe for use by several threads. Each method returns a copy with one
 * option changed.
 */
public final class TensorBoard {
    /** As {@code src/jvm/options.rs} reads it; what is set later counts. */
    private final String lines;

    private TensorBoard(String lines, String key, String value) {
        if (value.indexOf('\n') >= 0) {
            throw new InvalidInputException("name TensorBoard's folder: a line break has no place in a path");
        }
        this.lines = lines + key + '=' + value + '\n';
    }

    /**
     * A folder, with the default options.
     *
     * @param folder it is made when there is something to write; each trainer needs one of its own
     * @return all options at their defaults
     */
    public static TensorBoard at(Path folder) {
        return new TensorBoard("", "tensorboard", Objects.requireNonNull(folder, "folder").toAbsolutePath().toString());
    }

    /**
     * The steps from one sample to the next; the first step is one.
     *
     * @param steps one or more; 200 by default
     * @return a copy
     */
    public TensorBoard every(long steps) {
        return with("every", Long.toString(steps));
    }

    /**
     * The steps from one sample with histograms of all parameters and gradients to the next.
     *
     * @param steps 2000 by default; 0 for never
     * @return a copy
     */
    public TensorBoard histogramsEvery(long steps) {
        return with("histograms_every", Long.toString(steps));
    }

    /**
     * How long an event may wait before it reaches the file.
     *
     * @param most 5 seconds by default
     * @return a copy
     */
    public TensorBoard flushEvery(Duration most) {
        return with("flush_nanos", FolderStore.nanos(most));
    }

    /**
     * When a file has grown to so many bytes, the next one begins.
     *
     * @param bytes one or more; 64 MiB by default
     * @return a copy
     */
    public TensorBoard fileBytes(long bytes) {
        return with("file_bytes", Long.toString(bytes));
    }

    /**
     * How many files are kept: the first one, which has the graph, and the newest.
     *
     * @param files two or more; 16 by default
     * @return a copy
     */
    public TensorBoard files(int files) {
        return with("files", Integer.toString(files));
    }

    private TensorBoard with(String key, String value) {
        return new TensorBoard(lines, "tensorboard_" + key, value);
    }

    String lines() {
        return lines;
    }

    /** The folder and what was set, for logs. */
    @Override
    public String toString() {
        return lines.strip().replace("\n", ", ");
    }
}
