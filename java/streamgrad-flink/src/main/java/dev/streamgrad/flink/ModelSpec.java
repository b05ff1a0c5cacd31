package dev.streamgrad.flink;

import java.io.Serializable;
import java.util.Objects;

/** Which model a function or operator opens, and with whom it shares it. Immutable; travels with the job. */
final class ModelSpec implements Serializable {
    private static final long serialVersionUID = 1L;

    final BundleSource bundle;
    final TrainerOptions options;
    /** The name under which the parameters are shared; null if the subtask has its own. */
    final String sharedName;

    ModelSpec(BundleSource bundle, TrainerOptions options, String sharedName) {
        this.bundle = Objects.requireNonNull(bundle, "bundle");
        this.options = Objects.requireNonNull(options, "options");
        this.sharedName = sharedName;
    }

    static ModelSpec of(BundleSource bundle) {
        return new ModelSpec(bundle, options -> {}, null);
    }

    ModelSpec with(TrainerOptions options) {
        return new ModelSpec(bundle, options, sharedName);
    }

    ModelSpec sharedAs(String name) {
        return new ModelSpec(bundle, options, name);
    }
}
