package dev.streamgrad.flink;

import java.util.ArrayDeque;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/**
 * Watermarks and idleness that came behind rows which still wait: passed on now, those rows would be late, or follow
 * on a channel that calls itself idle.
 *
 * <p>In the order of arrival, of neighbours of one kind only the newest. Used by the task's thread only.
 */
final class HeldEvents {
    private final ArrayDeque<Object> events = new ArrayDeque<>();

    void hold(Watermark watermark) {
        hold((Object) watermark);
    }

    void hold(WatermarkStatus status) {
        hold((Object) status);
    }

    private void hold(Object event) {
        if (!events.isEmpty() && events.peekLast().getClass() == event.getClass()) {
            events.removeLast();
        }
        events.addLast(event);
    }

    void release(Output<?> output) {
        while (!events.isEmpty()) {
            Object event = events.removeFirst();
            if (event instanceof Watermark) {
                output.emitWatermark((Watermark) event);
            } else {
                output.emitWatermarkStatus((WatermarkStatus) event);
            }
        }
    }
}
