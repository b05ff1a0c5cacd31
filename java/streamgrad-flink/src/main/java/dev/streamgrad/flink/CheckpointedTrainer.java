package dev.streamgrad.flink;

import dev.streamgrad.Trainer;
import dev.streamgrad.TrainerStatus;
import dev.streamgrad.VersionId;
import java.util.TreeMap;

/**
 * A trainer with what its subtasks must agree on: who restores it, who writes it into a checkpoint, which snapshots the
 * job may still come back to. Safe for use by several threads.
 */
final class CheckpointedTrainer {
    /** Sets the trainer back to what a checkpoint has. */
    interface Restore {
        void run() throws Exception;
    }

    private final Trainer trainer;
    private boolean restored;
    private double learningRate = Double.NaN;
    private Object commander;
    private long claimed = Long.MIN_VALUE;
    /** By checkpoint, the version that it refers to. */
    private final TreeMap<Long, VersionId> references = new TreeMap<>();

    CheckpointedTrainer(Trainer trainer) {
        this.trainer = trainer;
    }

    Trainer trainer() {
        return trainer;
    }

    /** Restores once; subtasks that come later wait for it. One that comes back while others learn joins them. */
    synchronized void restoreOnce(Restore restore) throws Exception {
        if (!restored) {
            restore.run();
            restored = true;
        }
    }

    /** Whether it is neither paused nor stopped. */
    boolean learns() {
        TrainerStatus status = trainer.status();
        return !status.paused() && !status.stopped();
    }

    /** What a command set; NaN if none did. */
    synchronized double learningRate() {
        return learningRate;
    }

    /** Sets the learning rate of the steps to come, also of those after a restore. */
    synchronized void setLearningRate(double rate) {
        trainer.setLearningRate(rate);
        learningRate = rate;
    }

    /** As it went on at the checkpoint. One that was stopped is paused now: so it learns nothing unasked, and can be asked. */
    void goOn(boolean learns, double rate) {
        if (!Double.isNaN(rate)) {
            setLearningRate(rate);
        }
        if (!learns) {
            trainer.pause();
        }
    }

    /** Whether this subtask does what commands say, which all get: one of those that share a trainer does. */
    synchronized boolean commandedBy(Object subtask) {
        if (commander == null) {
            commander = subtask;
        }
        return commander == subtask;
    }

    /** This subtask gets no more commands. */
    synchronized void commandsNoMore(Object subtask) {
        if (commander == subtask) {
            commander = null;
        }
    }

    /** Whether who asks is the first to come to this checkpoint: then it writes the parameters, for all. */
    synchronized boolean claim(long checkpointId) {
        if (checkpointId <= claimed) {
            return false;
        }
        claimed = checkpointId;
        return true;
    }

    /** Keeps a version's snapshot until a later checkpoint than this is complete. */
    synchronized void hold(long checkpointId, VersionId version) {
        trainer.hold(version);
        references.put(checkpointId, version);
    }

    /** A checkpoint is complete: Flink comes back to no earlier one by itself. */
    synchronized void completed(long checkpointId) {
        while (!references.isEmpty() && references.firstKey() < checkpointId) {
            release(references.pollFirstEntry().getValue());
        }
    }

    /** A checkpoint came to nothing. */
    synchronized void aborted(long checkpointId) {
        VersionId version = references.remove(checkpointId);
        if (version != null) {
            release(version);
        }
    }

    private void release(VersionId version) {
        if (!references.containsValue(version)) {
            trainer.release(version);
        }
    }
}
