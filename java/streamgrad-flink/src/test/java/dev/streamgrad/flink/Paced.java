package dev.streamgrad.flink;

import java.util.concurrent.locks.LockSupport;
import org.apache.flink.api.common.functions.MapFunction;

/**
 * Lets some 6,000 flights a second pass, and never more: the source's own limit makes up for the time that a job takes
 * to start, and a test that wants checkpoints between its failures would see none.
 */
final class Paced implements MapFunction<Flight, Flight> {
    private static final long serialVersionUID = 1L;
    private static final int AT_ONCE = 8;

    private int passed;

    @Override
    public Flight map(Flight flight) {
        if (++passed % AT_ONCE == 0) {
            LockSupport.parkNanos(1_300_000);
        }
        return flight;
    }
}
