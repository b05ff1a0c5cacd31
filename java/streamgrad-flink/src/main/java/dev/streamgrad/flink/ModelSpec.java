package dev.streamgrad.flink;

import dev.streamgrad.Guard;
import java.io.Serializable;
import java.util.Objects;

/** Which model a function or operator opens, and with whom it shares it. Immutable; travels with the job. */
final class ModelSpec implements Serializable {
    private static final long serialVersionUID = 1L;

    final BundleSource bundle;
    final TrainerOptions options;
    /** The name under which the parameters are shared; null if the subtask has its own. */
    final String sharedName;
    /** Where the parameters live beyond the process; null if nowhere. */
    final FolderSpec folder;
    /** Which updates are refused beside those that are not finite; null: none. */
    final Guard guard;
    /** Where each trainer writes for TensorBoard; null: nowhere. */
    final BoardSpec board;

    private ModelSpec(
            BundleSource bundle, TrainerOptions options, String sharedName, FolderSpec folder, Guard guard, BoardSpec board) {
        this.bundle = Objects.requireNonNull(bundle, "bundle");
        this.options = Objects.requireNonNull(options, "options");
        this.sharedName = sharedName;
        this.folder = folder;
        this.guard = guard;
        this.board = board;
    }

    static ModelSpec of(BundleSource bundle) {
        return new ModelSpec(bundle, options -> {}, null, null, null, null);
    }

    ModelSpec with(TrainerOptions options) {
        return new ModelSpec(bundle, options, sharedName, folder, guard, board);
    }

    ModelSpec sharedAs(String name) {
        return new ModelSpec(bundle, options, name, folder, guard, board);
    }

    ModelSpec in(FolderSpec folder) {
        return new ModelSpec(bundle, options, sharedName, folder, guard, board);
    }

    ModelSpec from(BundleSource bundle) {
        return new ModelSpec(bundle, options, sharedName, folder, guard, board);
    }

    ModelSpec guarded(Guard guard) {
        return new ModelSpec(bundle, options, sharedName, folder, guard, board);
    }

    ModelSpec watched(BoardSpec board) {
        return new ModelSpec(bundle, options, sharedName, folder, guard, board);
    }
}
