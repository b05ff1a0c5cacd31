package dev.streamgrad.flink;

import dev.streamgrad.TrainerStatus;
import dev.streamgrad.VersionId;
import java.util.Objects;
import java.util.Optional;
import org.apache.flink.api.common.typeinfo.TypeInfo;

/** What became of a {@link ControlCommand}, and how the trainer is since. Immutable, safe for use by several threads. */
@TypeInfo(ControlReplyTypeInfo.Factory.class)
public final class ControlReply {
    final int subtask;
    final ControlCommand command;
    /** Null where there is none. */
    final String error;

    final VersionId made;
    final String mode;
    final VersionId version;
    final double learningRate;

    ControlReply(
            int subtask,
            ControlCommand command,
            String error,
            VersionId made,
            String mode,
            VersionId version,
            double learningRate) {
        this.subtask = subtask;
        this.command = command;
        this.error = error;
        this.made = made;
        this.mode = mode;
        this.version = version;
        this.learningRate = learningRate;
    }

    static ControlReply done(int subtask, ControlCommand command, Optional<VersionId> made, TrainerStatus status) {
        return of(subtask, command, null, made.orElse(null), status);
    }

    static ControlReply refused(int subtask, ControlCommand command, String error, TrainerStatus status) {
        return of(subtask, command, error, null, status);
    }

    private static ControlReply of(int subtask, ControlCommand command, String error, VersionId made, TrainerStatus status) {
        String mode = status.paused() ? "paused" : status.stopped() ? "stopped" : "running";
        return new ControlReply(subtask, command, error, made, mode, status.version(), status.learningRate());
    }

    /**
     * Which subtask did it.
     *
     * @return from zero on
     */
    public int subtask() {
        return subtask;
    }

    /**
     * What it was told.
     *
     * @return as it arrived
     */
    public ControlCommand command() {
        return command;
    }

    /**
     * Why it did not do it.
     *
     * @return one line; empty if it did
     */
    public Optional<String> error() {
        return Optional.ofNullable(error);
    }

    /**
     * The version that was saved, or made by going back.
     *
     * @return empty for other commands
     */
    public Optional<VersionId> made() {
        return Optional.ofNullable(made);
    }

    /**
     * Whether it learns.
     *
     * @return {@code running}, {@code paused} or {@code stopped}
     */
    public String mode() {
        return mode;
    }

    /**
     * The newest version.
     *
     * @return its name
     */
    public VersionId version() {
        return version;
    }

    /**
     * The learning rate of the next batch.
     *
     * @return the default optimizer's, if groups of parameters have their own
     */
    public double learningRate() {
        return learningRate;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof ControlReply)) {
            return false;
        }
        ControlReply that = (ControlReply) other;
        return subtask == that.subtask
                && command.equals(that.command)
                && Objects.equals(error, that.error)
                && Objects.equals(made, that.made)
                && mode.equals(that.mode)
                && version.equals(that.version)
                && Double.compare(learningRate, that.learningRate) == 0;
    }

    @Override
    public int hashCode() {
        return Objects.hash(subtask, command, error, made, mode, version, learningRate);
    }

    /** The command, what became of it, and how the trainer is, for logs. */
    @Override
    public String toString() {
        String result = error != null ? " refused: " + error : made != null ? " done: " + made : " done";
        return command + result + "; " + mode + " at " + version + " in subtask " + subtask;
    }
}
