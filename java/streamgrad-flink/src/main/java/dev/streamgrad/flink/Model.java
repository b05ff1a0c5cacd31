package dev.streamgrad.flink;

import dev.streamgrad.Builder;
import dev.streamgrad.Trainer;
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

    private final Trainer trainer;
    private final Runnable release;
    private boolean closed;

    private Model(Trainer trainer, Runnable release) {
        this.trainer = trainer;
        this.release = release;
    }

    static Model open(ModelSpec spec, RuntimeContext context) throws Exception {
        Model model;
        if (spec.sharedName == null) {
            Trainer trainer = openTrainer(spec, context);
            model = new Model(trainer, trainer::close);
        } else {
            SharedTrainers.Key key = new SharedTrainers.Key(context.getJobInfo().getJobId(), spec.sharedName);
            Trainer trainer = SharedTrainers.acquire(key, spec.bundle, () -> openTrainer(spec, context));
            model = new Model(trainer, () -> SharedTrainers.release(key));
        }
        warnOfMemory(context, model.trainer.nativeBytes());
        return model;
    }

    private static Trainer openTrainer(ModelSpec spec, RuntimeContext context) throws Exception {
        try (BundleSource.Local bundle = spec.bundle.fetch(context)) {
            Builder builder = Trainer.builder(bundle.folder());
            spec.options.set(builder);
            return builder.open();
        }
    }

    Trainer trainer() {
        return trainer;
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
