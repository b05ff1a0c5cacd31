package dev.streamgrad.flink;

import dev.streamgrad.Trainer;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.checkpoint.SavepointType;
import org.apache.flink.runtime.operators.testutils.MockEnvironment;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.util.OutputTag;

/** The learning operator by itself, with a clock that the test moves and the real model behind it. */
final class LearnerHarness<T> implements AutoCloseable {
    static final int MAX_PARALLELISM = 128;

    /** One for all, so that subtasks can share. */
    private static final JobID JOB = new JobID();

    private final MockEnvironment environment;
    private final OneInputStreamOperatorTestHarness<T, Scored<T>> harness;
    private final List<Object> events = new ArrayList<>();
    private final int[] seen = new int[3];

    private LearnerHarness(
            LearnOptions<T> options, TypeInformation<T> type, ExecutionConfig config, int subtask, int parallelism)
            throws Exception {
        SerializerConfigImpl serializers = new SerializerConfigImpl();
        environment = new MockEnvironmentBuilder()
                .setTaskName("learner")
                .setJobID(JOB)
                .setManagedMemorySize(1 << 20)
                .setBufferSize(1024)
                .setMaxParallelism(MAX_PARALLELISM)
                .setParallelism(parallelism)
                .setSubtaskIndex(subtask)
                .build();
        harness = new OneInputStreamOperatorTestHarness<>(
                new LearnFactory<>(options, type, type.createSerializer(serializers)),
                type.createSerializer(serializers),
                environment);
        harness.getExecutionConfig().setUseSnapshotCompression(config.isUseSnapshotCompression());
        if (config.isObjectReuseEnabled()) {
            harness.getExecutionConfig().enableObjectReuse();
        }
        harness.setup(new ScoredTypeInfo<>(type).createSerializer(serializers));
        harness.setProcessingTime(1_000);
    }

    static <T> LearnerHarness<T> of(String bundle, Class<T> type, Consumer<LearnOptions<T>> options) throws Exception {
        return restored(bundle, TypeInformation.of(type), null, new ExecutionConfig(), options);
    }

    static <T> LearnerHarness<T> restored(
            String bundle,
            TypeInformation<T> type,
            OperatorSubtaskState state,
            ExecutionConfig config,
            Consumer<LearnOptions<T>> options)
            throws Exception {
        return subtask(bundle, type, state, config, 0, 1, options);
    }

    /** One subtask of several. */
    static <T> LearnerHarness<T> subtask(
            String bundle,
            TypeInformation<T> type,
            OperatorSubtaskState state,
            ExecutionConfig config,
            int subtask,
            int parallelism,
            Consumer<LearnOptions<T>> options)
            throws Exception {
        LearnOptions<T> chosen = new LearnOptions<>();
        chosen.model = ModelSpec.of(BundleSource.of(bundle));
        options.accept(chosen);
        LearnerHarness<T> learner = new LearnerHarness<>(chosen, type, config, subtask, parallelism);
        boolean open = false;
        try {
            if (state != null) {
                learner.harness.initializeState(state);
            }
            learner.harness.open();
            open = true;
        } finally {
            if (!open) {
                learner.close();
            }
        }
        return learner;
    }

    OneInputStreamOperatorTestHarness<T, Scored<T>> flink() {
        return harness;
    }

    void send(T record, long timestamp) throws Exception {
        harness.processElement(new StreamRecord<>(record, timestamp));
    }

    void at(long processingTime) throws Exception {
        harness.setProcessingTime(1_000 + processingTime);
    }

    /** The operator's state as a checkpoint takes it, the barrier included. */
    OperatorSubtaskState checkpoint(long id) throws Exception {
        harness.getOperator().prepareSnapshotPreBarrier(id);
        return harness.snapshot(id, id);
    }

    /** As {@link #checkpoint}, for a savepoint. */
    OperatorSubtaskState savepoint(long id) throws Exception {
        harness.getOperator().prepareSnapshotPreBarrier(id);
        return harness.snapshotWithLocalState(id, id, SavepointType.savepoint(SavepointFormatType.CANONICAL))
                .getJobManagerOwnedState();
    }

    /** The trainer behind it. */
    Trainer trainer() {
        return ((LearnOperator<?>) (Object) harness.getOperator()).trainer();
    }

    /** With what belongs to it in checkpoints. */
    CheckpointedTrainer checkpointed() {
        return ((LearnOperator<?>) (Object) harness.getOperator()).learner();
    }

    /** What came out since the last call: predictions as {@code id}, watermarks as {@code W5}, idleness by name. */
    List<String> out() {
        List<String> out = new ArrayList<>();
        Queue<Object> queue = harness.getOutput();
        int index = 0;
        for (Object event : queue) {
            if (index++ < events.size()) {
                continue;
            }
            if (event instanceof StreamRecord) {
                out.add(id(((Scored<?>) ((StreamRecord<?>) event).getValue()).record()));
            } else if (event instanceof Watermark) {
                out.add("W" + ((Watermark) event).getTimestamp());
            } else {
                out.add(((WatermarkStatus) event).isIdle() ? "idle" : "active");
            }
        }
        events.clear();
        events.addAll(queue);
        return out;
    }

    private static String id(Object record) {
        Object inner = record instanceof Example ? ((Example<?>) record).record() : record;
        return inner instanceof Flight ? Long.toString(((Flight) inner).id) : inner.toString();
    }

    /** All predictions so far. */
    @SuppressWarnings("unchecked")
    List<StreamRecord<Scored<T>>> scored() {
        return harness.getOutput().stream()
                .filter(StreamRecord.class::isInstance)
                .map(event -> (StreamRecord<Scored<T>>) event)
                .collect(Collectors.toList());
    }

    List<StepReport> newReports() {
        return fresh(Streamgrad.REPORTS, 0);
    }

    List<Refused> newRefused() {
        return fresh(Streamgrad.REFUSED, 1);
    }

    List<Refused> newQuarantined() {
        return fresh(Streamgrad.QUARANTINED, 2);
    }

    private <X> List<X> fresh(OutputTag<X> tag, int counter) {
        Queue<StreamRecord<X>> all = harness.getSideOutput(tag);
        if (all == null) {
            return List.of();
        }
        List<X> fresh = all.stream().skip(seen[counter]).map(StreamRecord::getValue).collect(Collectors.toList());
        seen[counter] = all.size();
        return fresh;
    }

    @Override
    public void close() {
        try {
            harness.close();
            environment.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
