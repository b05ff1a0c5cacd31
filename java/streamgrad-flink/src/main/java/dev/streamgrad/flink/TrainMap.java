package dev.streamgrad.flink;

import dev.streamgrad.Batch;
import dev.streamgrad.InvalidInputException;
import dev.streamgrad.NonFiniteException;
import dev.streamgrad.Report;
import dev.streamgrad.Row;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.ResultTypeQueryable;

/**
 * Learns one list of records at a time, such as a count window gives: the list is the batch.
 *
 * <p>A record that cannot be encoded or has no label, and a loss that is not finite, fail the job, for a map has no side
 * output: where that must not be, use {@link Streamgrad#learn}, and
 * where rows of an embedding table expire by event time, which a map does not see. Several subtasks have a model each, unless
 * {@link #shared}. Its parameters are not in a checkpoint. Used by the task's thread.
 *
 * @param <T> the record
 */
public final class TrainMap<T> extends RichMapFunction<List<T>, StepReport> implements ResultTypeQueryable<StepReport> {
    private static final long serialVersionUID = 1L;

    /** The record's. */
    private final TypeInformation<T> type;

    /** Which model. */
    private ModelSpec spec;

    /** Null: by the names of the record's fields. */
    private Encoder<? super T> encoder;

    /** Where the record has the fields, without an encoder. */
    private Fields fields = Fields.named();

    private transient Model model;
    private transient LearnMetrics metrics;
    private transient Batch batch;
    private transient BiConsumer<T, Row> encode;

    /**
     * Learns lists of records of this type.
     *
     * @param bundle what {@link BundleSource#of} takes
     * @param type the record's type, as {@code TypeInformation.of(Flight.class)}
     */
    public TrainMap(String bundle, TypeInformation<T> type) {
        this.spec = ModelSpec.of(BundleSource.of(bundle));
        this.type = Objects.requireNonNull(type, "type");
    }

    /**
     * Where a record has the bundle's fields, and what stands for those that it has not.
     *
     * @param fields names of positions, other names, defaults
     * @return this
     */
    public TrainMap<T> fields(Fields fields) {
        this.fields = Objects.requireNonNull(fields, "fields");
        return this;
    }

    /**
     * Maps records to the bundle's fields by this instead of by the names of their fields.
     *
     * @param encoder serialised with the job
     * @return this
     */
    public TrainMap<T> encoder(Encoder<? super T> encoder) {
        this.encoder = Objects.requireNonNull(encoder, "encoder");
        return this;
    }

    /**
     * Sets options of the trainer, such as its learning rate.
     *
     * @param options serialised with the job
     * @return this
     */
    public TrainMap<T> trainer(TrainerOptions options) {
        this.spec = spec.with(Objects.requireNonNull(options, "options"));
        return this;
    }

    /**
     * Shares the parameters of this name within the job and TaskManager.
     *
     * @param name as {@link Learning#shared} has it
     * @return this
     */
    public TrainMap<T> shared(String name) {
        this.spec = spec.sharedAs(Objects.requireNonNull(name, "name"));
        return this;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        model = Model.open(spec, getRuntimeContext());
        if (model.trainer().schema().needsEventTime()) {
            throw new IllegalArgumentException("learn lists: rows of the model's embedding tables expire by event time, which a map"
                    + " does not see; use Streamgrad.learn: " + spec.bundle);
        }
        fields.check(encoder);
        Encoder<? super T> chosen = encoder != null ? encoder : FieldEncoder.learning(model.trainer().schema(), type, fields);
        encode = chosen::encode;
        metrics = new LearnMetrics(getRuntimeContext().getMetricGroup(), model.trainer());
    }

    /**
     * Learns a list as one batch.
     *
     * @param records one or more
     * @return what the step did
     * @throws InvalidInputException if the list is empty, or a record cannot be encoded or has no label
     * @throws NonFiniteException if the loss or a gradient is not finite
     */
    @Override
    public StepReport map(List<T> records) {
        if (batch == null || batch.capacity() < records.size()) {
            batch = model.trainer().newBatch(Math.max(records.size(), 1));
        }
        batch.clear();
        for (T record : records) {
            batch.add(record, encode);
        }
        Report report = model.trainer().step(batch);
        metrics.learned(report);
        return StepReport.of(getRuntimeContext().getTaskInfo().getIndexOfThisSubtask(), report);
    }

    @Override
    public void close() {
        if (model != null) {
            model.close();
        }
    }

    @Override
    public TypeInformation<StepReport> getProducedType() {
        return new StepReportTypeInfo();
    }
}
