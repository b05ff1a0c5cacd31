package dev.streamgrad.flink;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** {@link LabelPairs} behind one stream of records and labels. Used by the task's thread. */
final class AwaitMixed<K, E> extends KeyedProcessFunction<K, E, Example<E>> {
    private static final long serialVersionUID = 1L;

    private final LabelPairs<E> pairs;
    private final LabelFunction<? super E> label;

    AwaitMixed(LabelPairs<E> pairs, LabelFunction<? super E> label) {
        this.pairs = pairs;
        this.label = label;
    }

    @Override
    public void open(OpenContext context) {
        pairs.open(getRuntimeContext());
    }

    @Override
    public void processElement(E event, Context context, Collector<Example<E>> out) throws Exception {
        long time = LabelPairs.time(context.timestamp());
        Object value = label.label(event);
        if (value == null) {
            pairs.record(event, time, of(context, out));
        } else {
            pairs.label(value, time, of(context, out));
        }
    }

    @Override
    public void onTimer(long time, OnTimerContext context, Collector<Example<E>> out) throws Exception {
        pairs.onTimer(time, of(context, out));
    }

    private LabelPairs.Context<E> of(Context context, Collector<Example<E>> out) {
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
            public void emit(Example<E> example) {
                out.collect(example);
            }

            @Override
            public void side(OutputTag<Unpaired> tag, Unpaired unpaired) {
                context.output(tag, unpaired);
            }
        };
    }
}
