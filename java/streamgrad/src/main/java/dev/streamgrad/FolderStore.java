package dev.streamgrad;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * A folder in which a trainer keeps what it learns, and how: parameters in memory whose versions are saved beside
 * training, by a thread that never enters the JVM. A trainer that opens the folder goes on with the same bits.
 *
 * <p>A failure to save (a full disk, a folder that is gone) does not stop learning: {@link Trainer#storeStatus} tells
 * it, and the next snapshot is tried again. A folder has one writer, in all processes: the trainer holds it from
 * {@link Builder#open} until {@link Trainer#close}; a process that dies lets go of it.
 *
 * <p>This is only what is wished for: immutable, safe for use by several threads, good for several trainers one after
 * the other. Each method returns a copy with one option changed.
 */
public final class FolderStore {
    /** As {@code src/jvm/options.rs} reads it; what is set later counts. */
    private final String lines;

    private FolderStore(String lines, String key, String value) {
        if (value.indexOf('\n') >= 0) {
            throw new InvalidInputException("name store: a line break has no place in a path");
        }
        this.lines = lines + key + '=' + value + '\n';
    }

    /**
     * A folder, with the default options: saved once a minute and on close, the last five versions kept.
     *
     * @param folder that of a store, or an empty one; it is made if there is none, in a folder that exists
     * @return all options at their defaults
     */
    public static FolderStore at(Path folder) {
        return new FolderStore("", "store", Objects.requireNonNull(folder, "folder").toAbsolutePath().toString());
    }

    /**
     * Saves each version whose number is a multiple of this.
     *
     * @param steps 0, the default, for none
     * @return a copy
     */
    public FolderStore everySteps(long steps) {
        return with("every_steps", Long.toString(steps));
    }

    /**
     * Saves the newest version this long after the last attempt, if there is a new one.
     *
     * @param interval a minute by default; zero for never
     * @return a copy
     */
    public FolderStore every(Duration interval) {
        return with("every_nanos", nanos(interval));
    }

    /**
     * Whether {@link Trainer#close} saves the newest version.
     *
     * @param save true by default
     * @return a copy
     */
    public FolderStore onClose(boolean save) {
        return with("on_close", Boolean.toString(save));
    }

    /**
     * Keeps the last so many versions. The other rules keep more than these.
     *
     * @param versions one or more; 5 by default
     * @return a copy
     */
    public FolderStore keepLast(int versions) {
        return with("keep_last", Integer.toString(versions));
    }

    /**
     * Keeps the last version of each hour (UTC), for the last so many hours that have one.
     *
     * @param hours 0 by default
     * @return a copy
     */
    public FolderStore keepHourly(int hours) {
        return with("keep_hourly", Integer.toString(hours));
    }

    /**
     * Keeps the last version of each day (UTC), for the last so many days that have one.
     *
     * @param days 0 by default
     * @return a copy
     */
    public FolderStore keepDaily(int days) {
        return with("keep_daily", Integer.toString(days));
    }

    /**
     * Writes only the tensors that changed since the version saved before, where that saves half of the bytes. It costs a
     * second checksum of everything.
     *
     * @param most how many may follow each other between complete snapshots, up to 64; 0, the default, for none
     * @return a copy
     */
    public FolderStore deltas(int most) {
        return with("deltas", Integer.toString(most));
    }

    /**
     * Waits for another writer to let go of the folder.
     *
     * @param most how long; by default not at all
     * @return a copy
     */
    public FolderStore waitForWriter(Duration most) {
        return with("wait_for_writer_nanos", nanos(most));
    }

    /**
     * Takes over what fits from a folder of another bundle, in a new lineage: parameters and state of the same name, dtype
     * and shape. If all of them fit and the optimizer keeps the same slots, these and its count of steps come along, else
     * it begins anew. Metrics begin anew. With the same bundle it changes nothing.
     *
     * @param take false by default: such a folder is refused, with the tensors that differ
     * @return a copy
     */
    public FolderStore warmStart(boolean take) {
        return with("warm_start", Boolean.toString(take));
    }

    /**
     * Begins from this kept version instead of the newest, in a new lineage, which the folder names with the next snapshot.
     *
     * @param version one that the folder keeps
     * @return a copy
     */
    public FolderStore restore(VersionId version) {
        return with("restore", version.toString());
    }

    private FolderStore with(String key, String value) {
        return new FolderStore(lines, "store_" + key, value);
    }

    /** As many as there can be, 292 years, stand for more. */
    static String nanos(Duration duration) {
        Duration most = Duration.ofNanos(Long.MAX_VALUE);
        return Long.toString((duration.compareTo(most) > 0 ? most : duration).toNanos());
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
