package dev.streamgrad.flink;

import dev.streamgrad.Predictor;
import org.apache.flink.api.common.functions.RuntimeContext;

/**
 * An open predictor of a subtask. Opened and closed by the task's thread; what the predictor follows is read by a thread
 * that never enters the JVM.
 */
final class Serving implements AutoCloseable {
    private final Predictor predictor;
    /** What it shares its parameters with, or null. */
    private final Model shared;

    private Serving(Predictor predictor, Model shared) {
        this.predictor = predictor;
        this.shared = shared;
    }

    /** What the options say. */
    static Serving open(PredictOptions<?> options, RuntimeContext context) throws Exception {
        if (options.sharedName != null) {
            ModelOptions chosen = options.model;
            Model model = Model.open(
                    ModelSpec.of(options.bundle).with(chosen::set).sharedAs(options.sharedName), context);
            boolean open = false;
            try {
                Serving serving = new Serving(Predictor.of(model.trainer()), model);
                open = true;
                return serving;
            } finally {
                if (!open) {
                    model.close();
                }
            }
        }
        return own(options, options.bundle, context);
    }

    /** A bundle in place of what the options name; what these follow does not belong to it. */
    static Serving of(PredictOptions<?> options, BundleSource bundle, RuntimeContext context) throws Exception {
        PredictOptions<?> alone = PredictOptions.bundle(bundle, options.type);
        alone.model = options.model;
        alone.signature = options.signature;
        return own(alone, bundle, context);
    }

    private static Serving own(PredictOptions<?> options, BundleSource bundle, RuntimeContext context) throws Exception {
        Serving serving;
        if (bundle == null) {
            serving = new Serving(options.open(null), null);
        } else {
            try (BundleSource.Local local = bundle.fetch(context)) {
                serving = new Serving(options.open(local.folder()), null);
            }
        }
        // While the next version is loaded there are two.
        Model.warnOfMemory(context, 2 * serving.predictor.nativeBytes());
        return serving;
    }

    Predictor predictor() {
        return predictor;
    }

    @Override
    public void close() {
        predictor.close();
        if (shared != null) {
            shared.close();
        }
    }
}
