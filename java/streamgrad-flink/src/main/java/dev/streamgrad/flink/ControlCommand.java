package dev.streamgrad.flink;

import dev.streamgrad.InvalidInputException;
import dev.streamgrad.Trainer;
import dev.streamgrad.VersionId;
import java.util.Objects;
import java.util.Optional;
import org.apache.flink.api.common.typeinfo.TypeInfo;

/**
 * What a stream of commands tells a learner: see {@link Learning#control}. The same verbs command a running trainer from
 * another process. Immutable, safe for use by several threads.
 */
@TypeInfo(ControlCommandTypeInfo.Factory.class)
public final class ControlCommand {
    private static final String RATE = "set-learning-rate";
    private static final String ROLLBACK = "rollback";

    private final String text;

    private ControlCommand(String text) {
        this.text = Objects.requireNonNull(text, "text").strip();
    }

    /**
     * The command of this text: {@code pause}, {@code resume}, {@code save}, {@code status}, {@code stop},
     * {@code set-learning-rate 0.01} or {@code rollback 00000000000000ab-120}.
     *
     * @param text any other is refused where the command arrives
     * @return the command
     */
    public static ControlCommand of(String text) {
        return new ControlCommand(text);
    }

    /**
     * Learns no more until {@link #resume}, and predicts.
     *
     * @return the command
     */
    public static ControlCommand pause() {
        return of("pause");
    }

    /**
     * Learns again.
     *
     * @return the command
     */
    public static ControlCommand resume() {
        return of("resume");
    }

    /**
     * Saves the newest version in the learner's folder.
     *
     * @return the command
     */
    public static ControlCommand save() {
        return of("save");
    }

    /**
     * Says how the trainer is, and does nothing.
     *
     * @return the command
     */
    public static ControlCommand status() {
        return of("status");
    }

    /**
     * Saves the newest version, if there is a folder, and learns no more. The job predicts on.
     *
     * @return the command
     */
    public static ControlCommand stop() {
        return of("stop");
    }

    /**
     * A constant learning rate from the next batch on, kept in checkpoints.
     *
     * @param rate not negative; one that cannot be is refused where the command arrives
     * @return the command
     */
    public static ControlCommand setLearningRate(double rate) {
        return of(RATE + " " + rate);
    }

    /**
     * Goes back to a version that the learner's folder keeps.
     *
     * @param version its name
     * @return the command
     */
    public static ControlCommand rollback(VersionId version) {
        return of(ROLLBACK + " " + Objects.requireNonNull(version, "version"));
    }

    /** Does it; returns the version that was saved, or made by going back. */
    Optional<VersionId> run(CheckpointedTrainer learner) {
        Trainer trainer = learner.trainer();
        String[] words = text.split("\\s+");
        if (words.length == 2 && words[0].equals(RATE)) {
            learner.setLearningRate(rate(words[1]));
            return Optional.empty();
        }
        if (words.length == 2 && words[0].equals(ROLLBACK)) {
            return Optional.of(trainer.rollback(VersionId.parse(words[1])));
        }
        switch (text) {
            case "pause":
                trainer.pause();
                return Optional.empty();
            case "resume":
                trainer.resume();
                return Optional.empty();
            case "save":
                return Optional.of(trainer.save());
            case "stop":
                return trainer.stop();
            case "status":
                return Optional.empty();
            default:
                throw new InvalidInputException("command trainer: give pause, resume, save, status, stop, set-learning-rate and a number, or"
                        + " rollback and a version: " + text);
        }
    }

    private static double rate(String number) {
        try {
            return Double.parseDouble(number);
        } catch (NumberFormatException e) {
            throw new InvalidInputException("set learning rate: give a number, as 0.01: " + number);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ControlCommand && text.equals(((ControlCommand) other).text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    /** Its text, as {@link #of} takes it. */
    @Override
    public String toString() {
        return text;
    }
}
