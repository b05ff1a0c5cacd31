package dev.streamgrad.examples.flights;

import java.time.Duration;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Joins what each model predicted at a flight's scheduled departure and at its landing. A flight that does not land in
 * time comes out without a label. Used by the task's thread.
 *
 * <p>Each model's predictions come in the order of the stream, so the last of a flight's does, too, however the models
 * take turns: outcomes are in the order of landings.
 */
final class JoinAtLanding extends KeyedProcessFunction<Integer, Prediction, Outcome> {
    private static final long serialVersionUID = 1L;

    private final int models;
    private final long limitMillis;
    private transient ValueState<Outcome> soFar;
    /** How many models have seen the flight land. */
    private transient ValueState<Integer> landed;

    JoinAtLanding(int models, Duration limit) {
        this.models = models;
        this.limitMillis = limit.toMillis();
    }

    @Override
    public void open(OpenContext context) {
        soFar = getRuntimeContext().getState(new ValueStateDescriptor<>("so-far", Outcome.class));
        landed = getRuntimeContext().getState(new ValueStateDescriptor<>("landed", Integer.class));
    }

    @Override
    public void processElement(Prediction prediction, Context context, Collector<Outcome> out) throws Exception {
        Outcome outcome = soFar.value();
        if (outcome == null) {
            outcome = of(prediction);
            context.timerService().registerEventTimeTimer(limit(outcome));
        }
        if (prediction.late == null) {
            outcome.atDeparture[prediction.model] = prediction.probability;
            soFar.update(outcome);
            return;
        }
        outcome.landing = (int) (context.timestamp() / 60_000);
        outcome.atLanding[prediction.model] = prediction.probability;
        outcome.late = prediction.late;
        int seen = landed.value() == null ? 1 : landed.value() + 1;
        if (seen < models) {
            soFar.update(outcome);
            landed.update(seen);
            return;
        }
        context.timerService().deleteEventTimeTimer(limit(outcome));
        soFar.clear();
        landed.clear();
        out.collect(outcome);
    }

    @Override
    public void onTimer(long time, OnTimerContext context, Collector<Outcome> out) throws Exception {
        out.collect(soFar.value());
        soFar.clear();
    }

    /** After the last millisecond at which the label would have been in time. */
    private long limit(Outcome outcome) {
        return outcome.departure * 60_000L + limitMillis + 1;
    }

    private Outcome of(Prediction prediction) {
        Outcome outcome = new Outcome();
        outcome.row = prediction.row;
        outcome.departure = prediction.departure;
        outcome.atDeparture = new float[models];
        outcome.atLanding = new float[models];
        return outcome;
    }
}
