package dev.streamgrad.flink;

import java.io.Serializable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.util.OutputTag;

/**
 * Pairs the records and labels of the current key, by their event times alone.
 *
 * <p>A key is in one of four states: nothing known; a record waits; a label waits (it overtook its record, as it can
 * where there are two streams); paired, remembered until the record's time is over, so that what comes then is known
 * for a duplicate or a correction. Used by the task's thread.
 */
final class LabelPairs<R> implements Serializable {
    private static final long serialVersionUID = 1L;

    static final List<OutputTag<Unpaired>> TAGS =
            List.of(Streamgrad.EXPIRED, Streamgrad.UNMATCHED, Streamgrad.DUPLICATES, Streamgrad.CORRECTIONS);

    /** Where results go, and which key it is. */
    interface Context<R> {
        Object key();

        TimerService timers();

        void emit(Example<R> example);

        void side(OutputTag<Unpaired> tag, Unpaired unpaired);
    }

    private final TypeInformation<R> type;
    private final long onTimeMillis;
    private final Expiry onExpiry;

    private transient TypeSerializer<R> serializer;
    /** The record that waits. */
    private transient ValueState<R> record;
    /** Its event time, also once it is paired. */
    private transient ValueState<Long> recordTime;
    /** The label that waits, or that the record was paired with. */
    private transient ValueState<LabelValue> label;

    private transient Counter records;
    private transient Counter labels;
    private transient Map<OutputTag<Unpaired>, Counter> unpaired;

    LabelPairs(TypeInformation<R> type, long onTimeMillis, Expiry onExpiry) {
        this.type = type;
        this.onTimeMillis = onTimeMillis;
        this.onExpiry = onExpiry;
    }

    void open(RuntimeContext context) {
        serializer = context.createSerializer(type);
        record = context.getState(new ValueStateDescriptor<>("record", serializer));
        recordTime = context.getState(new ValueStateDescriptor<>("record-time", Types.LONG));
        label = context.getState(new ValueStateDescriptor<>("label", new LabelValue.Serializer()));
        MetricGroup group = context.getMetricGroup().addGroup("streamgrad");
        records = group.counter("records");
        labels = group.counter("labels");
        unpaired = new HashMap<>();
        for (OutputTag<Unpaired> tag : TAGS) {
            unpaired.put(tag, group.counter(tag.getId().replace("streamgrad-", "")));
        }
    }

    /** The event time of an element, which Flink leaves null where the stream has none. */
    static long time(Long timestamp) {
        if (timestamp == null) {
            throw new IllegalStateException("awaitLabels: the stream has no event times, give it a WatermarkStrategy with"
                    + " withTimestampAssigner");
        }
        return timestamp;
    }

    void record(R value, long time, Context<R> context) throws Exception {
        records.inc();
        Long earlier = recordTime.value();
        if (earlier != null) {
            if (time <= limit(earlier)) {
                side(Streamgrad.DUPLICATES, value, null, context);
                return;
            }
            end(context);
        }
        context.emit(Example.unlabelled(value));
        LabelValue early = label.value();
        recordTime.update(time);
        context.timers().registerEventTimeTimer(limit(time));
        if (early != null && early.time >= time && early.time <= limit(time)) {
            context.emit(Example.of(value, early.value));
            return;
        }
        if (early != null) {
            label.clear();
            side(Streamgrad.UNMATCHED, null, early.value, context);
        }
        // State keeps the reference, and the object may be re-used.
        record.update(serializer.copy(value));
    }

    void label(Object given, long time, Context<R> context) throws Exception {
        labels.inc();
        Object value = Labels.checked(given);
        Long waiting = recordTime.value();
        if (waiting != null && time > limit(waiting)) {
            end(context);
            waiting = null;
        }
        if (waiting != null && time < waiting) {
            side(Streamgrad.UNMATCHED, null, value, context);
            return;
        }
        LabelValue first = label.value();
        if (first != null && (waiting != null || Math.abs(time - first.time) <= onTimeMillis)) {
            side(Labels.same(first.value, value) ? Streamgrad.DUPLICATES : Streamgrad.CORRECTIONS, null, value, context);
            return;
        }
        if (first != null) { // too far apart to be of one record
            side(Streamgrad.UNMATCHED, null, first.value, context);
        }
        label.update(new LabelValue(value, time));
        if (waiting == null) {
            context.timers().registerEventTimeTimer(time);
            return;
        }
        Example<R> example = Example.of(record.value(), value);
        record.clear();
        context.emit(example);
    }

    /** The watermark passed a time at which something of this key may be over. */
    void onTimer(long time, Context<R> context) throws Exception {
        Long waiting = recordTime.value();
        if (waiting != null) {
            if (limit(waiting) <= time) {
                end(context);
            }
            return;
        }
        LabelValue early = label.value();
        if (early != null && early.time <= time) {
            label.clear();
            side(Streamgrad.UNMATCHED, null, early.value, context);
        }
    }

    /** The record's time is over: if it still waits it expires, and its key is free. */
    private void end(Context<R> context) throws Exception {
        R expired = record.value();
        record.clear();
        recordTime.clear();
        label.clear();
        if (expired == null) {
            return;
        }
        side(Streamgrad.EXPIRED, expired, null, context);
        if (onExpiry.label() != null) {
            context.emit(Example.of(expired, onExpiry.label()));
        }
    }

    /** The last event time at which a record's label is in time. */
    private long limit(long recordTime) {
        long limit = recordTime + onTimeMillis;
        return limit < recordTime ? Long.MAX_VALUE : limit;
    }

    private void side(OutputTag<Unpaired> tag, R value, Object given, Context<R> context) {
        unpaired.get(tag).inc();
        context.side(tag, Unpaired.of(context.key(), value, given));
    }
}
