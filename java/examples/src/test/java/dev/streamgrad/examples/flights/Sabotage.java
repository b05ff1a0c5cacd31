package dev.streamgrad.examples.flights;

import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.flink.api.common.functions.MapFunction;

/**
 * Passes records on, but fails the job at some flights and asks for the end of its TaskManager at others; at each of them
 * once, however often the flight comes again. All tasks and the one that runs the cluster are in one JVM: what they share
 * is static.
 *
 * @param <T> the record
 */
final class Sabotage<T> implements MapFunction<T, T> {
    private static final long serialVersionUID = 1L;

    /** The flights at which the job still has to fail: the place in the job, then the flight. */
    static final Set<String> FAILURES = ConcurrentHashMap.newKeySet();
    /** The flights at which the TaskManager still has to go. */
    static final Set<String> KILLS = ConcurrentHashMap.newKeySet();
    /** TaskManagers that are to be terminated now, by the flight that asked. */
    static final BlockingQueue<String> WANTED = new LinkedBlockingQueue<>();

    private final String place;
    private final Flight<T> flight;

    /** The flight of a record. */
    interface Flight<T> extends java.io.Serializable {
        int of(T record);
    }

    Sabotage(String place, Flight<T> flight) {
        this.place = place;
        this.flight = flight;
    }

    @Override
    public T map(T record) throws InterruptedException {
        String here = place + " " + flight.of(record);
        if (FAILURES.remove(here)) {
            throw new IllegalStateException("a failure on purpose, " + here);
        }
        if (KILLS.remove(here)) {
            WANTED.add(here);
            // The end of the TaskManager interrupts.
            Thread.sleep(Long.MAX_VALUE);
        }
        return record;
    }
}
