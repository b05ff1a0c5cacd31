package dev.streamgrad.flink;

import dev.streamgrad.Builder;
import dev.streamgrad.Guard;
import dev.streamgrad.LockedException;
import dev.streamgrad.Trainer;
import java.time.Duration;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.operators.StreamingRuntimeContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open trainer on a TaskManager: this subtask's own, or one that several subtasks of a job share. Its trainer is
 * safe for use by several threads; opened and closed by the task's thread.
 */
final class Model implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Model.class);
    /** What TensorFlow takes for itself, once per process: measured 0.4 to 0.5 GB. */
    private static final long TENSORFLOW_BYTES = 450L << 20;

    /** Refuses only what is not finite, and keeps none of it: the records of a refused batch go to a side output. */
    private static final Guard FINITE = Guard.defaults().anyNorm().withoutResponse();

    /** How long a restarted task waits for the old attempt to let go of its folder. */
    private static final Duration OLD_ATTEMPT = Duration.ofMinutes(1);

    private final CheckpointedTrainer learner;
    private final boolean folder;
    private final Runnable release;
    private boolean closed;

    private Model(CheckpointedTrainer learner, boolean folder, Runnable release) {
        this.learner = learner;
        this.folder = folder;
        this.release = release;
    }

    static Model open(ModelSpec spec, RuntimeContext context) throws Exception {
        Model model;
        boolean folder = spec.folder != null;
        if (spec.sharedName == null) {
            CheckpointedTrainer learner = openTrainer(spec, context);
            model = new Model(learner, folder, learner.trainer()::close);
        } else {
            SharedTrainers.Key key = new SharedTrainers.Key(context.getJobInfo().getJobId(), spec.sharedName);
            CheckpointedTrainer learner = SharedTrainers.acquire(key, spec.bundle, () -> openTrainer(spec, context));
            model = new Model(learner, folder, () -> SharedTrainers.release(key));
        }
        warnOfMemory(context, model.trainer().nativeBytes());
        return model;
    }

    private static CheckpointedTrainer openTrainer(ModelSpec spec, RuntimeContext context) throws Exception {
        try (BundleSource.Local bundle = spec.bundle.fetch(context)) {
            Builder builder = Trainer.builder(bundle.folder());
            builder.guard((spec.guard == null ? FINITE : spec.guard).quarantine(0));
            spec.options.set(builder);
            if (spec.folder != null) {
                builder.store(spec.folder.store());
            }
            if (spec.board != null) {
                builder.tensorboard(spec.board.of(context.getTaskInfo().getIndexOfThisSubtask()));
            }
            return new CheckpointedTrainer(openWhenFree(builder));
        }
    }

    /** Waits in short steps, so that Flink can cancel the task meanwhile. */
    private static Trainer openWhenFree(Builder builder) throws InterruptedException {
        long deadline = System.nanoTime() + OLD_ATTEMPT.toNanos();
        while (true) {
            try {
                return builder.open();
            } catch (LockedException e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
            }
            Thread.sleep(50);
        }
    }

    Trainer trainer() {
        return learner.trainer();
    }

    CheckpointedTrainer learner() {
        return learner;
    }

    /** Whether it was opened to keep what it learns in a folder. */
    boolean hasFolder() {
        return folder;
    }

    /** Flink does not see native memory, so a container is killed for it unless it was planned for. */
    static void warnOfMemory(RuntimeContext context, long nativeBytes) {
        if (!(context instanceof StreamingRuntimeContext)) {
            return;
        }
        MemorySize planned = ((StreamingRuntimeContext) context)
                .getTaskManagerRuntimeInfo()
                .getConfiguration()
                .get(TaskManagerOptions.TASK_OFF_HEAP_MEMORY);
        String shortfall = shortfall(planned, nativeBytes);
        if (shortfall != null) {
            LOG.warn("{}", shortfall);
        }
    }

    /** What is wrong with this much planned memory, or null. */
    static String shortfall(MemorySize planned, long nativeBytes) {
        MemorySize needed = new MemorySize(nativeBytes + TENSORFLOW_BYTES);
        if (planned.compareTo(needed) >= 0) {
            return null;
        }
        return "open model: " + TaskManagerOptions.TASK_OFF_HEAP_MEMORY.key() + " is " + planned.toHumanReadableString()
                + ", but the model holds " + new MemorySize(nativeBytes).toHumanReadableString()
                + " of native memory and TensorFlow takes about " + new MemorySize(TENSORFLOW_BYTES).toHumanReadableString()
                + " in each TaskManager: set it to " + needed.toHumanReadableString()
                + " or more, and raise taskmanager.memory.process.size with it";
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            release.run();
        }
    }
}
