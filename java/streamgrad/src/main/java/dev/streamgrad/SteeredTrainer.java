package dev.streamgrad;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What an operator does with a trainer that runs: each verb is safe beside steps and predictions of other threads. */
abstract class SteeredTrainer {
    final Handle handle;
    final Schema schema;

    SteeredTrainer(long handle) {
        this.handle = new Handle(this, "trainer", handle, Native::trainerClose);
        this.schema = Schema.of(this.handle, Native::trainerSchema);
    }

    /**
     * Learns no more until {@link #resume}: when this returns, the steps under way have ended, and each further one throws
     * {@link PausedException}. It predicts.
     *
     * @throws StoppedException if it was stopped
     */
    public void pause() {
        handle.askBytes((trainer, error) -> done(Native.trainerPause(trainer, error)));
    }

    /**
     * Learns again, if it was paused, by whomever.
     *
     * @throws StoppedException if it was stopped
     */
    public void resume() {
        handle.askNumber(Native::trainerResume);
    }

    /** No bytes, or null for a status negated: what waits for a step must not hold up quick questions. */
    private static byte[] done(long answer) {
        return answer < 0 ? null : new byte[0];
    }

    /**
     * Lets the steps under way end, saves the newest version, and learns no more: each further step throws
     * {@link StoppedException}. It predicts.
     *
     * @return the version that is saved; empty if the parameters live in memory only
     * @throws StreamgradException if it could not be saved; it is stopped all the same, and another call tries again
     */
    public Optional<VersionId> stop() {
        ByteBuffer answer = handle.askBytes(Native::trainerStop);
        return answer.get() == 0 ? Optional.empty() : Optional.of(new VersionId(answer));
    }

    /**
     * A constant learning rate from the next step on, for all groups of parameters alike. It is not saved.
     *
     * @param rate not negative
     * @throws InvalidInputException if it is negative or not finite, or zero and a rule divides by it
     */
    public void setLearningRate(double rate) {
        int bits = Float.floatToIntBits((float) rate);
        handle.askNumber((trainer, error) -> Native.trainerSetLearningRate(trainer, bits, error));
    }

    /**
     * Whether it learns, and what its guard has seen.
     *
     * @return plain data, as of now
     */
    public TrainerStatus status() {
        return new TrainerStatus(handle.askBytes(Native::trainerStatus));
    }

    /**
     * Hands out the batches that were refused because something was not finite, or by the {@link Guard}.
     *
     * @return the oldest first; empty if none waits
     */
    public List<Quarantined> drainQuarantine() {
        List<Quarantined> drained = new ArrayList<>();
        for (ByteBuffer answer = drain(); answer.get() != 0; answer = drain()) {
            drained.add(new Quarantined(schema, answer));
        }
        return drained;
    }

    private ByteBuffer drain() {
        return handle.askBytes(Native::trainerDrain);
    }

    /**
     * Saves the newest version, and returns when it, or a newer one, will outlast the process and the machine's power.
     * Other threads learn on meanwhile.
     *
     * @return the version saved
     * @throws StreamgradException if that failed; if the parameters live in memory only, see {@link Builder#store}
     */
    public VersionId save() {
        return new VersionId(handle.askBytes(Native::trainerSave));
    }

    /**
     * Goes back to a version that is kept, with everything that belongs to it, and saves that as the first version of a
     * new lineage. Gradients that other threads compute meanwhile are applied to it.
     *
     * @param version one of {@link Trainer#keptVersions}
     * @return the version that this makes: the same number in another lineage
     * @throws InvalidInputException if the version is not kept: nothing has changed
     * @throws SnapshotException if it is damaged: nothing has changed
     * @throws StreamgradException if the trainer went back, but the folder could not be written
     */
    public VersionId rollback(VersionId version) {
        return new VersionId(
                handle.askBytes((handle, error) -> Native.trainerRollback(handle, version.lineage(), version.number(), error)));
    }
}
