package dev.streamgrad.flink;

import dev.streamgrad.FolderStore;
import java.io.Serializable;

/**
 * Sets options of a learner's folder where the job runs: {@code folder -> folder.everySteps(1000).keepLast(3)}. Serialised
 * with the job.
 */
@FunctionalInterface
public interface FolderOptions extends Serializable {
    /**
     * Sets what shall differ from the defaults.
     *
     * @param folder with the defaults
     * @return what is to be used
     */
    FolderStore set(FolderStore folder);
}
