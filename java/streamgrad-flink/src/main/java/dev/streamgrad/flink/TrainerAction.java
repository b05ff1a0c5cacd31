package dev.streamgrad.flink;

import dev.streamgrad.Trainer;
import java.io.Serializable;

/**
 * Does something with what was learned where the job runs: {@code trainer -> save(trainer.parameter("dense/kernel"))}.
 * Serialised with the job.
 */
@FunctionalInterface
public interface TrainerAction extends Serializable {
    /**
     * Uses the trainer, on the task's thread.
     *
     * @param trainer open until this returns; not to be kept or closed
     * @throws Exception what went wrong; the job fails with it
     */
    void accept(Trainer trainer) throws Exception;
}
