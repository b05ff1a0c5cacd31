package dev.streamgrad.flink;

import dev.streamgrad.Batch;
import dev.streamgrad.InvalidInputException;
import dev.streamgrad.Row;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.ResultTypeQueryable;

/**
 * Predicts one record at a time and learns nothing: {@code flights.map(new PredictMap<>("flights.bundle", type))}.
 *
 * <p>With {@link #shared} it predicts with what a {@link Learning} of the same job and TaskManager learns; by itself it
 * predicts with the bundle's parameters. A record that cannot be encoded fails the job, for a map has no side output:
 * where that must not be, {@link Streamgrad#learn} predicts records without label too. Used by the task's thread.
 *
 * @param <T> the record
 */
public final class PredictMap<T> extends RichMapFunction<T, Scored<T>> implements ResultTypeQueryable<Scored<T>> {
    private static final long serialVersionUID = 1L;

    /** The record's. */
    private final TypeInformation<T> type;

    /** Which model. */
    private ModelSpec spec;

    /** Null: by the names of the record's fields. */
    private Encoder<? super T> encoder;

    private transient Model model;
    private transient Batch batch;
    private transient Scores<T> scores;
    private transient BiConsumer<T, Row> encode;

    /**
     * Predicts records of this type.
     *
     * @param bundle what {@link BundleSource#of} takes
     * @param type the record's type, as {@code stream.getType()} or {@code TypeInformation.of(Flight.class)}
     */
    public PredictMap(String bundle, TypeInformation<T> type) {
        this.spec = ModelSpec.of(BundleSource.of(bundle));
        this.type = Objects.requireNonNull(type, "type");
    }

    /**
     * Maps records to the bundle's fields by this instead of by the names of their fields.
     *
     * @param encoder serialised with the job
     * @return this
     */
    public PredictMap<T> encoder(Encoder<? super T> encoder) {
        this.encoder = Objects.requireNonNull(encoder, "encoder");
        return this;
    }

    /**
     * Sets options of the trainer, such as where TensorFlow is.
     *
     * @param options serialised with the job
     * @return this
     */
    public PredictMap<T> trainer(TrainerOptions options) {
        this.spec = spec.with(Objects.requireNonNull(options, "options"));
        return this;
    }

    /**
     * Shares the parameters of this name within the job and TaskManager.
     *
     * @param name as {@link Learning#shared} has it
     * @return this
     */
    public PredictMap<T> shared(String name) {
        this.spec = spec.sharedAs(Objects.requireNonNull(name, "name"));
        return this;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        model = Model.open(spec, getRuntimeContext());
        Encoder<? super T> chosen =
                encoder != null ? encoder : FieldEncoder.predicting(model.trainer().schema(), type);
        encode = chosen::encode;
        batch = model.trainer().newBatch(1);
        scores = new Scores<>(model.trainer().schema());
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
        return scores.of(record, model.trainer().predict(batch), 0);
    }

    @Override
    public void close() {
        if (model != null) {
            model.close();
        }
    }

    @Override
    public TypeInformation<Scored<T>> getProducedType() {
        return new ScoredTypeInfo<>(type);
    }
}
