package dev.streamgrad.flink;

import java.util.List;
import java.util.Queue;
import java.util.stream.Collectors;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.co.CoBroadcastWithNonKeyedOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.BroadcastOperatorTestHarness;
import org.apache.flink.util.OutputTag;

/** The function that predicts by updates, by itself, with the real model behind it. */
final class PredictHarness implements AutoCloseable {
    private static final int MOST_SUBTASKS = 4;

    private final BroadcastOperatorTestHarness<Flight, ModelUpdate, Scored<Flight>> harness;
    private int refused;
    private long checkpoint;

    private PredictHarness(PredictOptions<Flight> options, int parallelism, int subtask) throws Exception {
        harness = new BroadcastOperatorTestHarness<>(
                new CoBroadcastWithNonKeyedOperator<>(new PredictBroadcast<>(options), List.of(PredictBroadcast.SERVED)),
                MOST_SUBTASKS,
                parallelism,
                subtask);
        harness.setup(new ScoredTypeInfo<>(Cluster.FLIGHT).createSerializer(new SerializerConfigImpl()));
    }

    /** Begins, from a checkpoint unless that is null. */
    static PredictHarness open(PredictOptions<Flight> options, OperatorSubtaskState state) throws Exception {
        return open(options, state, 1, 0);
    }

    /** The same as one of several subtasks, from the checkpoint of a single one. */
    static PredictHarness open(PredictOptions<Flight> options, OperatorSubtaskState state, int parallelism, int subtask)
            throws Exception {
        PredictHarness opened = new PredictHarness(options, parallelism, subtask);
        boolean open = false;
        try {
            if (state != null) {
                opened.harness.initializeState(AbstractStreamOperatorTestHarness.repartitionOperatorState(
                        state, MOST_SUBTASKS, 1, parallelism, subtask));
            }
            opened.harness.open();
            open = true;
        } finally {
            if (!open) {
                opened.close();
            }
        }
        return opened;
    }

    void update(ModelUpdate update) throws Exception {
        harness.processBroadcastElement(update, 0);
    }

    /** What comes out for a flight; null if nothing does. */
    Scored<Flight> predict(Flight flight) throws Exception {
        int before = harness.getOutput().size();
        harness.processElement(flight, flight.id);
        return harness.extractOutputValues().stream().skip(before).findFirst().orElse(null);
    }

    OperatorSubtaskState checkpoint() throws Exception {
        return harness.snapshot(++checkpoint, checkpoint);
    }

    /** The updates that were refused since the last call. */
    List<Refused> newRefusedUpdates() {
        List<Refused> all = side(Streamgrad.REFUSED_UPDATES);
        List<Refused> fresh = all.subList(refused, all.size());
        refused = all.size();
        return fresh;
    }

    List<Refused> refusedRecords() {
        return side(Streamgrad.REFUSED);
    }

    private List<Refused> side(OutputTag<Refused> tag) {
        Queue<StreamRecord<Refused>> queue = harness.getSideOutput(tag);
        return queue == null ? List.of() : queue.stream().map(StreamRecord::getValue).collect(Collectors.toList());
    }

    @Override
    public void close() {
        try {
            harness.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
