package dev.streamgrad.flink;

import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;

/**
 * Runs an action once something has waited for so long, in processing time.
 *
 * <p>There is never more than one timer: it stays when what waited is gone, and is set anew for what waits by then. So
 * a batch that fills faster than the delay costs no timer of its own. Used by the task's thread only, on which the
 * action runs too.
 */
final class Deadline {
    /** What is to be done in time. */
    interface Action {
        void run() throws Exception;
    }

    private static final long NOTHING_WAITS = Long.MIN_VALUE;

    private final ProcessingTimeService time;
    private final long delayMillis;
    private final Action action;
    private long since = NOTHING_WAITS;
    private boolean armed;

    Deadline(ProcessingTimeService time, long delayMillis, Action action) {
        this.time = time;
        this.delayMillis = delayMillis;
        this.action = action;
    }

    /** Something waits from now on, unless something does already. */
    void start() {
        if (since != NOTHING_WAITS) {
            return;
        }
        since = time.getCurrentProcessingTime();
        if (!armed) {
            arm();
        }
    }

    /** Nothing waits any more. */
    void clear() {
        since = NOTHING_WAITS;
    }

    private void arm() {
        armed = true;
        time.registerTimer(since + delayMillis, this::fire);
    }

    private void fire(long timestamp) throws Exception {
        armed = false;
        if (since == NOTHING_WAITS) {
            return;
        }
        if (time.getCurrentProcessingTime() >= since + delayMillis) {
            action.run();
        } else {
            arm();
        }
    }
}
