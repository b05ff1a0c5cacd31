package dev.streamgrad.flink;

import dev.streamgrad.Checkpoint;
import dev.streamgrad.VersionId;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.state.StatePartitionStreamProvider;

/**
 * The learner's parameters, with all that belongs to them, in the job's checkpoints: as bytes, or as the name of a
 * snapshot in the learner's folder. A savepoint has the bytes in any case, so that it can be moved and kept.
 *
 * <p>Pinned and restored by the task's thread, written by one of Flink's. In the group {@code streamgrad} of the
 * operator's metrics: {@code checkpointPins} held now, {@code checkpointBytes} and {@code checkpointTime} (milliseconds)
 * of the last one that was written.
 */
final class ParameterState {
    /** Begins each stream, with the number of its format. */
    private static final int FORMAT = 0x53475002;

    private final Model model;
    private final boolean byReference;
    private final int subtask;
    private final int parallelism;
    private final AtomicInteger pins = new AtomicInteger();
    private volatile long bytes;
    private volatile long time;

    ParameterState(Model model, boolean byReference, int subtask, int parallelism) {
        this.model = model;
        this.byReference = byReference;
        this.subtask = subtask;
        this.parallelism = parallelism;
    }

    void register(MetricGroup operator) {
        MetricGroup group = operator.addGroup("streamgrad");
        group.gauge("checkpointPins", (Gauge<Integer>) pins::get);
        group.gauge("checkpointBytes", (Gauge<Long>) () -> bytes);
        group.gauge("checkpointTime", (Gauge<Long>) () -> time);
    }

    /** The newest version for a checkpoint; null if another subtask with the same parameters writes them. */
    RawStateOperator.Pinned pin(long checkpointId, boolean savepoint) {
        CheckpointedTrainer learner = model.learner();
        if (!learner.claim(checkpointId)) {
            return null;
        }
        boolean reference = byReference && !savepoint;
        Pin pin = new Pin(learner, reference);
        if (reference) {
            learner.hold(checkpointId, pin.checkpoint.version());
        }
        return pin;
    }

    /**
     * Goes on from what the checkpoint has for this subtask: what it wrote itself or, if there are more subtasks now, what
     * one of the others wrote.
     */
    void restore(Iterable<StatePartitionStreamProvider> streams) throws Exception {
        Header best = null;
        for (StatePartitionStreamProvider stream : streams) {
            Header header = new Header(new DataInputStream(stream.getStream()));
            if (best == null || header.distance(this) < best.distance(this)) {
                best = header;
            }
        }
        if (best == null) {
            return; // a new job, or a savepoint of one that kept no parameters
        }
        Header wanted = best;
        model.learner().restoreOnce(() -> {
            for (StatePartitionStreamProvider stream : streams) {
                DataInputStream in = new DataInputStream(stream.getStream());
                if (new Header(in).subtask == wanted.subtask) {
                    restore(wanted.reference, in);
                    model.learner().goOn(wanted.learns, wanted.learningRate);
                    return;
                }
            }
        });
    }

    private void restore(boolean reference, DataInputStream in) throws IOException {
        if (!reference) {
            model.trainer().restore(in);
            return;
        }
        VersionId version = VersionId.parse(in.readUTF());
        if (!model.hasFolder()) {
            throw new IllegalStateException("restore parameters: the checkpoint only refers to version " + version
                    + " in a folder; give the learner that folder again, or go on from a savepoint");
        }
        // Until the first checkpoint of this attempt is complete, another failure leads here again.
        model.learner().hold(Long.MIN_VALUE, version);
        model.trainer().rollback(version);
    }

    void completed(long checkpointId) {
        model.learner().completed(checkpointId);
    }

    void aborted(long checkpointId) {
        model.learner().aborted(checkpointId);
    }

    /** What stands before the parameters. */
    private static final class Header {
        final boolean reference;
        final int subtask;
        final int parallelism;
        /** Whether it was neither paused nor stopped. */
        final boolean learns;
        /** What a command set; NaN if none did. */
        final double learningRate;

        Header(DataInputStream in) throws IOException {
            int format = in.readInt();
            if (format != FORMAT) {
                throw new IOException("restore parameters: this version of streamgrad reads the state " + hex(FORMAT) + ", not "
                        + hex(format) + "; use the version that wrote it");
            }
            reference = in.readBoolean();
            subtask = in.readInt();
            parallelism = in.readInt();
            learns = in.readBoolean();
            learningRate = in.readDouble();
        }

        private static String hex(int format) {
            return Integer.toHexString(format);
        }

        static void write(DataOutputStream out, Pin pin, int subtask, int parallelism) throws IOException {
            out.writeInt(FORMAT);
            out.writeBoolean(pin.reference);
            out.writeInt(subtask);
            out.writeInt(parallelism);
            out.writeBoolean(pin.learns);
            out.writeDouble(pin.learningRate);
        }

        /** Zero for what this subtask, or the one that it descends from, wrote; else the lowest subtask is the nearest. */
        int distance(ParameterState state) {
            return subtask == state.subtask % parallelism ? 0 : subtask + 1;
        }
    }

    private final class Pin implements RawStateOperator.Pinned {
        private final Checkpoint checkpoint;
        private final boolean reference;
        private final boolean learns;
        private final double learningRate;

        Pin(CheckpointedTrainer learner, boolean reference) {
            this.reference = reference;
            this.learns = learner.learns();
            this.learningRate = learner.learningRate();
            this.checkpoint = learner.trainer().checkpoint();
            pins.incrementAndGet();
        }

        @Override
        public void writeTo(OutputStream stream) throws IOException {
            long started = System.nanoTime();
            DataOutputStream out = new DataOutputStream(stream);
            Header.write(out, this, subtask, parallelism);
            if (reference) {
                out.writeUTF(checkpoint.save().toString());
            }
            long written = out.size() + (reference ? 0 : checkpoint.writeTo(stream));
            bytes = written;
            time = (System.nanoTime() - started) / 1_000_000;
        }

        @Override
        public void close() {
            checkpoint.close();
            pins.decrementAndGet();
        }
    }
}
