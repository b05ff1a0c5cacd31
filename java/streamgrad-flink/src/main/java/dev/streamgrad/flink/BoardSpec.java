package dev.streamgrad.flink;

import dev.streamgrad.TensorBoard;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Objects;

/** The folder in which learners write for TensorBoard, each a run of its own. Immutable; travels with the job. */
final class BoardSpec implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String path;
    private final TensorBoardOptions options;

    BoardSpec(String path, TensorBoardOptions options) {
        this.path = Objects.requireNonNull(path, "path");
        this.options = Objects.requireNonNull(options, "options");
    }

    /** The run of the subtask that opens a trainer. */
    TensorBoard of(int subtask) {
        return options.set(TensorBoard.at(Path.of(path, "subtask-" + subtask)));
    }
}
