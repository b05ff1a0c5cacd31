package dev.streamgrad.flink;

import dev.streamgrad.ModelBuilder;
import java.io.Serializable;

/**
 * Sets options of whatever opens a model where the job runs: {@code options -> options.tensorflow(Path.of("/opt/tf"))}.
 * Serialised with the job.
 */
@FunctionalInterface
public interface ModelOptions extends Serializable {
    /**
     * Sets what shall differ from the defaults.
     *
     * @param options of a trainer or predictor that is about to open
     */
    void set(ModelBuilder<?> options);
}
