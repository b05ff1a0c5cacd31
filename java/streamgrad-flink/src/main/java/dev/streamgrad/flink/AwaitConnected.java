package dev.streamgrad.flink;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** {@link LabelPairs} behind a stream of records and one of labels. Used by the task's thread. */
final class AwaitConnected<K, R, L> extends KeyedCoProcessFunction<K, R, L, Example<R>> {
    private static final long serialVersionUID = 1L;

    private final LabelPairs<R> pairs;
    private final LabelFunction<? super L> label;

    AwaitConnected(LabelPairs<R> pairs, LabelFunction<? super L> label) {
        this.pairs = pairs;
        this.label = label;
    }

    @Override
    public void open(OpenContext context) {
        pairs.open(getRuntimeContext());
    }

    @Override
    public void processElement1(R record, Context context, Collector<Example<R>> out) throws Exception {
        pairs.record(record, LabelPairs.time(context.timestamp()), of(context, out));
    }

    @Override
    public void processElement2(L event, Context context, Collector<Example<R>> out) throws Exception {
        long time = LabelPairs.time(context.timestamp());
        Object value = label.label(event);
        if (value == null) {
            throw new IllegalArgumentException(
                    "awaitLabels: every event of the stream of labels brings one, filter those that do not: " + event);
        }
        pairs.label(value, time, of(context, out));
    }

    @Override
    public void onTimer(long time, OnTimerContext context, Collector<Example<R>> out) throws Exception {
        pairs.onTimer(time, of(context, out));
    }

    private LabelPairs.Context<R> of(Context context, Collector<Example<R>> out) {
        return new LabelPairs.Context<>() {
            @Override
            public Object key() {
                return context.getCurrentKey();
            }

            @Override
            public TimerService timers() {
                return context.timerService();
            }

            @Override
            public void emit(Example<R> example) {
                out.collect(example);
            }

            @Override
            public void side(OutputTag<Unpaired> tag, Unpaired unpaired) {
                context.output(tag, unpaired);
            }
        };
    }
}
