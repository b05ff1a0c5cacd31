package dev.streamgrad.examples.flights;

import java.time.Duration;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Joins each landing with the prediction made at that flight's scheduled departure. A flight that does not land in time
 * comes out without a label. Used by the task's thread.
 */
final class JoinAtLanding extends KeyedProcessFunction<Integer, Prediction, Outcome> {
    private static final long serialVersionUID = 1L;

    private final long limitMillis;
    private transient ValueState<Prediction> atDeparture;

    JoinAtLanding(Duration limit) {
        this.limitMillis = limit.toMillis();
    }

    @Override
    public void open(OpenContext context) {
        atDeparture = getRuntimeContext().getState(new ValueStateDescriptor<>("at-departure", Prediction.class));
    }

    @Override
    public void processElement(Prediction prediction, Context context, Collector<Outcome> out) throws Exception {
        if (prediction.late == null) {
            atDeparture.update(prediction);
            context.timerService().registerEventTimeTimer(limit(prediction));
            return;
        }
        Prediction earlier = atDeparture.value();
        atDeparture.clear();
        context.timerService().deleteEventTimeTimer(limit(earlier));
        Outcome outcome = of(earlier);
        outcome.landing = (int) (context.timestamp() / 60_000);
        outcome.atLanding = prediction.probability;
        outcome.late = prediction.late;
        out.collect(outcome);
    }

    @Override
    public void onTimer(long time, OnTimerContext context, Collector<Outcome> out) throws Exception {
        out.collect(of(atDeparture.value()));
        atDeparture.clear();
    }

    /** After the last millisecond at which the label would have been in time. */
    private long limit(Prediction prediction) {
        return prediction.departure * 60_000L + limitMillis + 1;
    }

    private static Outcome of(Prediction prediction) {
        Outcome outcome = new Outcome();
        outcome.row = prediction.row;
        outcome.departure = prediction.departure;
        outcome.atDeparture = prediction.probability;
        return outcome;
    }
}
