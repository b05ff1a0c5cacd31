package dev.streamgrad.flink;

import dev.streamgrad.Report;
import dev.streamgrad.Trainer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.OutputTag;

/**
 * The operator that predicts every record and learns the labelled ones.
 *
 * <p>The number of labelled rows cuts the batch. Timer and barrier only let predictions leave; what is not learned yet
 * goes into operator state as records, beside the parameters as of the barrier. Learning at the barrier instead would
 * make batch boundaries depend on when checkpoints come, and no two runs would have the same parameters. All on the
 * task's thread. {@link OrderedLearner} has the records as its one input, {@link ControlledLearner} commands beside them.
 */
abstract class LearnOperator<T> extends RawStateOperator<Scored<T>> implements MiniBatch.Results<T> {
    private static final long serialVersionUID = 1L;

    private final LearnOptions<T> options;
    private final TypeInformation<T> type;
    private final TypeSerializer<T> records;

    private transient Model model;
    private transient ParameterState parameters;
    private transient LearnMetrics learnMetrics;
    private transient MiniBatch<T> batch;
    private transient boolean copies;
    private transient Deadline emitDeadline;
    private transient Deadline learnDeadline;
    private transient HeldEvents held;
    private transient ListState<PendingRow<T>> unfinished;
    /** What the state brought, until the first event: while operators open, none may emit yet. */
    private transient List<PendingRow<T>> restored;

    private transient StreamRecord<Scored<T>> scored;
    private transient int subtask;
    /** Whether the last batch was not learned for the trainer was paused. */
    private transient boolean skips;

    LearnOperator(
            StreamOperatorParameters<Scored<T>> parameters,
            LearnOptions<T> options,
            TypeInformation<T> type,
            TypeSerializer<T> records) {
        // Flink 1.20 has no constructor with parameters.
        setup(parameters.getContainingTask(), parameters.getStreamConfig(), parameters.getOutput());
        this.processingTimeService = parameters.getProcessingTimeService();
        this.options = options;
        this.type = type;
        this.records = records;
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        unfinished = context.getOperatorStateStore()
                .getListState(new ListStateDescriptor<>("unfinished-batch", new PendingRow.Serializer<>(records)));
        restored = new ArrayList<>();
        unfinished.get().forEach(restored::add);
        // Rows that have left come first, also where several subtasks' states were put together.
        restored.sort(Comparator.comparing(row -> !row.left));
        TaskInfo task = getRuntimeContext().getTaskInfo();
        options.checkParallelism(task.getNumberOfParallelSubtasks());
        subtask = task.getIndexOfThisSubtask();
        model = Model.open(options.model, getRuntimeContext());
        parameters = new ParameterState(model, options.byReference, subtask, task.getNumberOfParallelSubtasks());
        parameters.restore(context.getRawOperatorStateInputs());
    }

    @Override
    public void open() throws Exception {
        super.open();
        boolean reuse = getExecutionConfig().isObjectReuseEnabled();
        // Table operators re-use their row objects whatever the setting.
        copies = reuse || type.getTypeClass().getName().equals("org.apache.flink.table.data.RowData");
        Encoder<? super T> encoder = options.encoder(model.trainer().schema(), type);
        batch = new MiniBatch<>(
                model.trainer(), encoder, this, options.batchRows, options.waitingBound(), reuse ? records : null);
        learnMetrics = new LearnMetrics(getMetricGroup(), model.trainer());
        parameters.register(getMetricGroup());
        held = new HeldEvents();
        scored = new StreamRecord<>(null);
        emitDeadline = new Deadline(getProcessingTimeService(), Math.max(options.maxDelay, 0), this::emit);
        learnDeadline = new Deadline(getProcessingTimeService(), Math.max(options.learnAfter, 0), this::learn);
        if (!restored.isEmpty()) {
            long now = getProcessingTimeService().getCurrentProcessingTime();
            getProcessingTimeService().registerTimer(now, time -> replay());
        }
    }

    /** Takes in again what was unfinished at the checkpoint. */
    final void replay() throws Exception {
        if (restored.isEmpty()) {
            return;
        }
        ArrayDeque<PendingRow<T>> rows = new ArrayDeque<>(restored);
        restored.clear();
        while (!rows.isEmpty()) {
            accept(rows.removeFirst());
        }
    }

    /** A record comes. */
    final void take(StreamRecord<T> element) throws Exception {
        replay();
        T record = copies ? records.copy(element.getValue()) : element.getValue();
        long timestamp = element.hasTimestamp() ? element.getTimestamp() : PendingRow.NO_TIMESTAMP;
        accept(new PendingRow<>(record, timestamp, false));
    }

    private void accept(PendingRow<T> row) throws Exception {
        batch.add(row);
        if (batch.isFull()) {
            learn();
        } else if (batch.isCrowded() || options.maxDelay == 0) {
            emit();
        } else if (batch.isWaiting() && !options.leavesWithBatch()) {
            emitDeadline.start();
        }
        if (options.learnAfter >= 0 && !batch.isEmpty()) {
            learnDeadline.start();
        }
    }

    private void emit() {
        batch.emit();
        emitted();
    }

    private void learn() {
        batch.learn();
        emitted();
    }

    /** Nothing waits to leave any more. */
    private void emitted() {
        emitDeadline.clear();
        if (batch.isEmpty()) {
            learnDeadline.clear();
        }
        held.release(output);
    }

    @Override
    public void scored(PendingRow<T> row, Scored<T> value) {
        learnMetrics.scored();
        if (row.timestamp == PendingRow.NO_TIMESTAMP) {
            scored.replace(value);
            scored.eraseTimestamp();
        } else {
            scored.replace(value, row.timestamp);
        }
        output.collect(scored);
    }

    @Override
    public void refused(PendingRow<T> row, String reason) {
        learnMetrics.refused();
        collect(Streamgrad.REFUSED, new Refused(row.record, reason), row.timestamp);
    }

    @Override
    public void quarantined(PendingRow<T> row, String reason) {
        learnMetrics.quarantined();
        collect(Streamgrad.QUARANTINED, new Refused(row.record, reason), row.timestamp);
    }

    @Override
    public void skipped(int rows, String reason) {
        learnMetrics.skipped(rows);
        if (!skips) {
            skips = true;
            LOG.warn("records are predicted and not learned: {}", reason);
        }
    }

    @Override
    public void learned(Report report) {
        skips = false;
        learnMetrics.learned(report);
        collect(Streamgrad.REPORTS, StepReport.of(subtask, report), PendingRow.NO_TIMESTAMP);
    }

    final <X> void collect(OutputTag<X> tag, X value, long timestamp) {
        output.collect(
                tag,
                timestamp == PendingRow.NO_TIMESTAMP ? new StreamRecord<>(value) : new StreamRecord<>(value, timestamp));
    }

    @Override
    public void processWatermark(Watermark watermark) throws Exception {
        replay();
        if (batch.isWaiting()) {
            held.hold(watermark);
        } else {
            super.processWatermark(watermark);
        }
    }

    @Override
    public void processWatermarkStatus(WatermarkStatus status) throws Exception {
        replay();
        if (batch.isWaiting()) {
            held.hold(status);
        } else {
            super.processWatermarkStatus(status);
        }
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
        super.prepareSnapshotPreBarrier(checkpointId);
        replay();
        if (!options.leavesWithBatch()) {
            emit();
        }
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        unfinished.update(batch.pending());
    }

    /** For tests. */
    final Trainer trainer() {
        return model.trainer();
    }

    final CheckpointedTrainer learner() {
        return model.learner();
    }

    final int subtask() {
        return subtask;
    }

    @Override
    Pinned pin(long checkpointId, boolean savepoint) {
        return parameters.pin(checkpointId, savepoint);
    }

    @Override
    public void notifyCheckpointComplete(long checkpointId) throws Exception {
        super.notifyCheckpointComplete(checkpointId);
        parameters.completed(checkpointId);
    }

    @Override
    public void notifyCheckpointAborted(long checkpointId) throws Exception {
        super.notifyCheckpointAborted(checkpointId);
        parameters.aborted(checkpointId);
    }

    /** No more records come. */
    final void recordsEnd() throws Exception {
        replay();
        if (!batch.isEmpty()) {
            learn();
        }
        if (options.atEnd != null) {
            options.atEnd.accept(model.trainer());
        }
    }

    @Override
    public void close() throws Exception {
        try {
            super.close();
        } finally {
            if (model != null) {
                model.learner().commandsNoMore(this);
                model.close();
            }
        }
    }
}
