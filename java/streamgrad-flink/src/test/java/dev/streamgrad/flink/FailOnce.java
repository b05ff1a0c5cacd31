package dev.streamgrad.flink;

import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.state.CheckpointListener;

/** Fails the job at some flights, once at each, as soon as a checkpoint lies behind it. */
final class FailOnce implements MapFunction<Flight, Flight>, CheckpointListener {
    private static final long serialVersionUID = 1L;
    private static final Map<String, Queue<Long>> REMAINING = new ConcurrentHashMap<>();

    private final String job;
    private transient boolean checkpointed;

    FailOnce(String job, List<Long> at) {
        this.job = job;
        REMAINING.put(job, new ConcurrentLinkedQueue<>(at));
    }

    /** How many failures have not happened. */
    static int remaining(String job) {
        return REMAINING.get(job).size();
    }

    @Override
    public Flight map(Flight flight) {
        Long next = REMAINING.get(job).peek();
        if (next != null && flight.id >= next && checkpointed) {
            REMAINING.get(job).remove();
            throw new IllegalStateException("injected at " + flight);
        }
        return flight;
    }

    @Override
    public void notifyCheckpointComplete(long checkpointId) {
        checkpointed = true;
    }
}
