package dev.streamgrad.flink;

import dev.streamgrad.TensorBoard;
import java.io.Serializable;

/**
 * Sets how often a learner writes for TensorBoard: {@code board -> board.every(1000)}. Serialised with the job.
 */
@FunctionalInterface
public interface TensorBoardOptions extends Serializable {
    /**
     * Sets what shall differ from the defaults.
     *
     * @param board of a trainer that is about to open
     * @return the same with options changed
     */
    TensorBoard set(TensorBoard board);
}
