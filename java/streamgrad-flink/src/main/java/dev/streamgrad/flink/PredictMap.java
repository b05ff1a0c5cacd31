package dev.streamgrad.flink;

import dev.streamgrad.Batch;
import dev.streamgrad.InvalidInputException;
import dev.streamgrad.Row;
import java.time.Duration;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.ResultTypeQueryable;

/**
 * Predicts one record at a time and learns nothing: {@code flights.map(new PredictMap<>("flights.bundle", type))}.
 *
 * <p>It predicts with the parameters of a bundle or a SavedModel, or follows what others learn: with {@link #follow} the snapshots in a folder,
 * with {@link #numbered} a folder of bundles or SavedModels, with {@link #shared} a {@link Learning} of the same job and TaskManager. A
 * new version is loaded beside the one that predicts; one that cannot be used is refused, and the one before goes on. Each
 * subtask has a predictor of its own, unless {@link #shared}. Metrics in the operator's group {@code streamgrad}:
 * {@code predictions}, {@code version}, {@code versionId}, {@code age} (milliseconds), {@code swaps}, {@code failures}.
 *
 * <p>A record that cannot be encoded fails the job, for a map has no side output: where that must not be,
 * {@link Streamgrad#predict} and {@link Streamgrad#learn} predict too. Used by the task's thread.
 *
 * @param <T> the record
 */
public final class PredictMap<T> extends RichMapFunction<T, Scored<T>> implements ResultTypeQueryable<Scored<T>> {
    private static final long serialVersionUID = 1L;

    /** All that was asked for. */
    private final PredictOptions<T> options;

    private transient Serving serving;
    private transient PredictMetrics metrics;
    private transient Batch batch;
    private transient Scores<T> scores;
    private transient BiConsumer<T, Row> encode;

    /**
     * Predicts records of this type.
     *
     * @param bundle what {@link BundleSource#of} takes: a bundle or a SavedModel
     * @param type the record's type, as {@code stream.getType()} or {@code TypeInformation.of(Flight.class)}
     */
    public PredictMap(String bundle, TypeInformation<T> type) {
        this(PredictOptions.bundle(BundleSource.of(bundle), type));
    }

    private PredictMap(PredictOptions<T> options) {
        this.options = options;
    }

    /**
     * Predicts by the bundles or SavedModels in the subfolders {@code 1}, {@code 2}, ... of a folder, and follows them. All take and give
     * the same columns.
     *
     * @param folder a path that every TaskManager sees
     * @param type the record's type
     * @param <T> the record
     * @return a function with all options at their defaults
     */
    public static <T> PredictMap<T> numbered(String folder, TypeInformation<T> type) {
        return new PredictMap<>(PredictOptions.numbered(folder, type));
    }

    /**
     * Follows the snapshots that a trainer of this bundle saves in a folder, in any process. As long as there is none, the
     * bundle's own parameters predict.
     *
     * @param folder a path that every TaskManager sees
     * @return this
     */
    public PredictMap<T> follow(String folder) {
        options.folder = Objects.requireNonNull(folder, "folder");
        options.check();
        return this;
    }

    /**
     * Predicts by this signature, where the model is a SavedModel.
     *
     * @param name {@code serving_default} unless said, or the only one that the SavedModel has
     * @return this
     */
    public PredictMap<T> signature(String name) {
        options.signature = Objects.requireNonNull(name, "name");
        return this;
    }

    /**
     * How often each subtask looks for a newer version, with {@link #follow} and {@link #numbered}.
     *
     * @param interval one second unless said; zero for never: then what was there when the subtask began predicts
     * @return this
     */
    public PredictMap<T> every(Duration interval) {
        options.every(interval);
        return this;
    }

    /**
     * Where a record has the bundle's fields, and what stands for those that it has not.
     *
     * @param fields names of positions, other names, defaults
     * @return this
     */
    public PredictMap<T> fields(Fields fields) {
        options.fields = Objects.requireNonNull(fields, "fields");
        return this;
    }

    /**
     * Maps records to the bundle's fields by this instead of by the names of their fields.
     *
     * @param encoder serialised with the job
     * @return this
     */
    public PredictMap<T> encoder(Encoder<? super T> encoder) {
        options.encoder = Objects.requireNonNull(encoder, "encoder");
        return this;
    }

    /**
     * Sets options of the predictor, such as where TensorFlow is.
     *
     * @param model serialised with the job
     * @return this
     */
    public PredictMap<T> options(ModelOptions model) {
        options.model = Objects.requireNonNull(model, "options");
        return this;
    }

    /**
     * Predicts with the parameters of this name within the job and TaskManager, always the newest.
     *
     * @param name as {@link Learning#shared} has it
     * @return this
     */
    public PredictMap<T> shared(String name) {
        options.sharedName = Objects.requireNonNull(name, "name");
        options.check();
        return this;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        serving = Serving.open(options, getRuntimeContext());
        encode = options.encoder(serving.predictor().schema());
        batch = serving.predictor().newBatch(1);
        scores = new Scores<>(serving.predictor().schema());
        metrics = new PredictMetrics(getRuntimeContext().getMetricGroup(), serving.predictor());
    }

    /**
     * Predicts a record.
     *
     * @param record what to predict
     * @return the record with its prediction
     * @throws InvalidInputException if it cannot be encoded
     */
    @Override
    public Scored<T> map(T record) {
        batch.clear();
        batch.add(record, encode);
        Scored<T> scored = scores.of(record, serving.predictor().predict(batch), 0);
        metrics.predicted();
        return scored;
    }

    @Override
    public void close() {
        if (metrics != null) {
            metrics.closing();
        }
        if (serving != null) {
            serving.close();
        }
    }

    @Override
    public TypeInformation<Scored<T>> getProducedType() {
        return new ScoredTypeInfo<>(options.type);
    }
}
