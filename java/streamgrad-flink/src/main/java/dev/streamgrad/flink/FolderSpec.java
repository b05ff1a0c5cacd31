package dev.streamgrad.flink;

import dev.streamgrad.FolderStore;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Objects;

/** The folder in which a learner keeps what it learns. Immutable; travels with the job. */
final class FolderSpec implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String path;
    private final FolderOptions options;

    FolderSpec(String path, FolderOptions options) {
        this.path = Objects.requireNonNull(path, "path");
        this.options = Objects.requireNonNull(options, "options");
    }

    FolderStore store() {
        return options.set(FolderStore.at(Path.of(path)));
    }
}
