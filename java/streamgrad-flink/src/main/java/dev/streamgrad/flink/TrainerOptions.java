package dev.streamgrad.flink;

import dev.streamgrad.Builder;
import java.io.Serializable;

/**
 * Sets options of the trainer where the job runs: {@code options -> options.learningRate(0.01)}. Serialised with the
 * job.
 */
@FunctionalInterface
public interface TrainerOptions extends Serializable {
    /**
     * Sets what shall differ from the defaults.
     *
     * @param options of a trainer that is about to open
     */
    void set(Builder options);
}
