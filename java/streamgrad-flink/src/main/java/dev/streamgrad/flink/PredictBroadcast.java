package dev.streamgrad.flink;

import dev.streamgrad.Batch;
import dev.streamgrad.InvalidInputException;
import dev.streamgrad.Predictions;
import dev.streamgrad.Row;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.BroadcastState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.co.BroadcastProcessFunction;
import org.apache.flink.util.Collector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Predicts the records of one stream by the model that a second, broadcast stream of updates names. Used by the task's
 * thread, which loads what an update names between two records: those behind the update are predicted by it.
 */
final class PredictBroadcast<T> extends BroadcastProcessFunction<T, ModelUpdate, Scored<T>> implements CheckpointedFunction {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(PredictBroadcast.class);

    /** What {@link UpdatedModel#state} says. */
    static final MapStateDescriptor<Integer, String> SERVED =
            new MapStateDescriptor<>("streamgrad-served", Types.INT, Types.STRING);

    private final PredictOptions<T> options;

    private transient BroadcastState<Integer, String> state;
    private transient UpdatedModel model;
    private transient PredictMetrics metrics;
    private transient Counter updates;
    private transient Counter refusedUpdates;
    private transient Batch batch;
    private transient Scores<T> scores;
    private transient BiConsumer<T, Row> encode;
    /** What a checkpoint named and could not be restored, until it is told; or null. */
    private transient Refused lost;

    PredictBroadcast(PredictOptions<T> options) {
        this.options = options;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        state = context.getOperatorStateStore().getBroadcastState(SERVED);
    }

    @Override
    public void open(OpenContext context) throws Exception {
        model = UpdatedModel.open(options, getRuntimeContext());
        encode = options.encoder(model.predictor().schema());
        batch = model.predictor().newBatch(1);
        scores = new Scores<>(model.predictor().schema());
        metrics = new PredictMetrics(getRuntimeContext().getMetricGroup(), model.predictor());
        updates = metrics.counter("updates");
        refusedUpdates = metrics.counter("refusedUpdates");
        Map<Integer, String> restored = new HashMap<>();
        state.immutableEntries().forEach(entry -> restored.put(entry.getKey(), entry.getValue()));
        if (!restored.isEmpty()) {
            restore(restored);
        }
    }

    /** A job that serves another version goes on serving; one that cannot start could not even be told another one. */
    private void restore(Map<Integer, String> restored) throws InterruptedException {
        try {
            model.restore(restored);
        } catch (InterruptedException e) {
            throw e; // the task is being cancelled
        } catch (Exception e) {
            LOG.error("what the last update named cannot be predicted by any more, {} does", model.predictor().version(), e);
            lost = new Refused(UpdatedModel.lost(restored), "restore: " + reason(e));
            refusedUpdates.inc();
        }
        metrics.serve(model.predictor());
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        state.clear();
        state.putAll(model.state());
    }

    @Override
    public void processElement(T record, ReadOnlyContext context, Collector<Scored<T>> out) {
        if (lost != null) {
            context.output(Streamgrad.REFUSED_UPDATES, takeLost());
        }
        Predictions predictions;
        try {
            batch.clear();
            batch.add(record, encode);
        } catch (InvalidInputException e) {
            refuse(record, e.getMessage(), context);
            return;
        } catch (RuntimeException e) {
            refuse(record, "encode record: " + e, context);
            return;
        }
        try {
            predictions = model.predict(batch);
        } catch (InvalidInputException e) {
            refuse(record, e.getMessage(), context);
            return;
        }
        out.collect(scores.of(record, predictions, 0));
        metrics.predicted();
    }

    private void refuse(T record, String reason, ReadOnlyContext context) {
        metrics.refused();
        context.output(Streamgrad.REFUSED, new Refused(record, reason));
    }

    @Override
    public void processBroadcastElement(ModelUpdate update, Context context, Collector<Scored<T>> out)
            throws InterruptedException {
        if (lost != null) {
            context.output(Streamgrad.REFUSED_UPDATES, takeLost());
        }
        try {
            model.apply(update);
            metrics.serve(model.predictor());
            updates.inc();
            LOG.info("{}: {} predicts", update, model.predictor().version());
        } catch (InterruptedException e) {
            throw e; // the task is being cancelled
        } catch (Exception e) {
            LOG.warn("{} is refused, {} goes on predicting", update, model.predictor().version(), e);
            refusedUpdates.inc();
            context.output(Streamgrad.REFUSED_UPDATES, new Refused(update, reason(e)));
        }
    }

    private static String reason(Exception e) {
        return e.getMessage() != null ? e.getMessage() : e.toString();
    }

    private Refused takeLost() {
        Refused told = lost;
        lost = null;
        return told;
    }

    @Override
    public void close() {
        if (metrics != null) {
            metrics.closing();
        }
        if (model != null) {
            model.close();
        }
    }
}
