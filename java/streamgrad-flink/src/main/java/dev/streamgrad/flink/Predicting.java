package dev.streamgrad.flink;

import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.types.Row;
import org.apache.flink.util.OutputTag;

/**
 * How a stream is to be predicted while a second stream says by what; {@link #apply} puts it into the job. Used by one
 * thread, which builds the job.
 *
 * <p>Each subtask has a predictor of its own and does what an {@link ModelUpdate update} says between two records, so that
 * the records behind it are predicted by what it names; that takes as long as loading a version does. An update that names
 * what does not exist, is damaged or takes other columns goes to {@link Streamgrad#REFUSED_UPDATES} with the reason, and what
 * predicted before goes on. Flink reads two streams in no fixed order: of records that arrive at the same time as an update
 * some are predicted by what it names and some are not. Let one subtask send the updates, or their order is open too.
 *
 * <p><b>After a restart</b> each subtask stays where the last update of the checkpoint said, and {@link ModelUpdate#rollback}
 * goes on from there. If that is not kept any more, what the job itself names predicts, and a {@link Refused} says so.
 *
 * <p>Metrics in the operator's group {@code streamgrad}: {@code predictions}, {@code refused}, {@code updates},
 * {@code refusedUpdates}, {@code version}, {@code versionId}, {@code age} (milliseconds), {@code swaps}, {@code failures}.
 *
 * @param <T> the record
 */
public final class Predicting<T> {
    private final DataStream<T> records;
    private final PredictOptions<T> options;
    private DataStream<ModelUpdate> updates;
    private int parallelism;
    private String uid;
    private String name;

    Predicting(DataStream<T> records, PredictOptions<T> options) {
        this.records = records;
        this.options = options;
    }

    /**
     * What says by which version to predict. Needed; where nothing says so, {@link PredictMap} is enough.
     *
     * @param updates from one subtask, each of which every subtask here gets
     * @return this
     */
    public Predicting<T> updates(DataStream<ModelUpdate> updates) {
        this.updates = Objects.requireNonNull(updates, "updates");
        return this;
    }

    /**
     * Follows the snapshots that a trainer of this bundle saves in a folder, until an update names one of them.
     *
     * @param folder a path that every TaskManager sees
     * @return this
     */
    public Predicting<T> follow(String folder) {
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
    public Predicting<T> signature(String name) {
        options.signature = Objects.requireNonNull(name, "name");
        return this;
    }

    /**
     * How often each subtask looks for a newer version while no update names one.
     *
     * @param interval one second unless said; zero for never: then only updates change what predicts
     * @return this
     */
    public Predicting<T> every(Duration interval) {
        options.every(interval);
        return this;
    }

    /**
     * Where a record has the bundle's fields, and what stands for those that it has not.
     *
     * @param fields names of positions, other names, defaults
     * @return this
     */
    public Predicting<T> fields(Fields fields) {
        options.fields = Objects.requireNonNull(fields, "fields");
        return this;
    }

    /**
     * Maps records to the bundle's fields by this instead of by the names of their fields.
     *
     * @param encoder serialised with the job
     * @return this
     */
    public Predicting<T> encoder(Encoder<? super T> encoder) {
        options.encoder = Objects.requireNonNull(encoder, "encoder");
        return this;
    }

    /**
     * Sets options of every predictor, such as where TensorFlow is.
     *
     * @param model serialised with the job
     * @return this
     */
    public Predicting<T> options(ModelOptions model) {
        options.model = Objects.requireNonNull(model, "options");
        return this;
    }

    /**
     * How many subtasks predict; the environment's parallelism unless said.
     *
     * @param subtasks one or more
     * @return this
     */
    public Predicting<T> parallelism(int subtasks) {
        if (subtasks < 1) {
            throw new IllegalArgumentException("set parallelism: give one or more, not " + subtasks);
        }
        this.parallelism = subtasks;
        return this;
    }

    /**
     * The name of the operator in savepoints: set it, so that a changed job finds its state.
     *
     * @param uid unique within the job
     * @return this
     */
    public Predicting<T> uid(String uid) {
        this.uid = Objects.requireNonNull(uid, "uid");
        return this;
    }

    /**
     * The name of the operator in Flink's user interface and metrics.
     *
     * @param name any
     * @return this
     */
    public Predicting<T> name(String name) {
        this.name = Objects.requireNonNull(name, "name");
        return this;
    }

    /**
     * Puts the prediction into the job.
     *
     * @return every record that was not refused, with its prediction, in the order of arrival; side outputs are
     *     {@link Streamgrad#REFUSED} and {@link Streamgrad#REFUSED_UPDATES}
     * @throws IllegalStateException if {@link #updates} was not said
     */
    public SingleOutputStreamOperator<Scored<T>> apply() {
        if (updates == null) {
            throw new IllegalStateException("predict: say .updates(stream) before apply(), or use PredictMap");
        }
        BundleReader reader = options.reader(records.getExecutionEnvironment());
        reader.checkHere(options::encoder);
        String label = name != null ? name : "predict by " + options;
        if (options.bundle != null) {
            options.bundle = options.bundle.register(records.getExecutionEnvironment());
        }
        TypeInformation<T> type = options.type;
        SingleOutputStreamOperator<Scored<T>> scored = records.connect(updates.broadcast(PredictBroadcast.SERVED))
                .process(new PredictBroadcast<>(options), new ScoredTypeInfo<>(type))
                .name(label);
        if (uid != null) {
            scored.uid(uid);
        }
        if (parallelism > 0) {
            scored.setParallelism(parallelism);
        }
        String refused = Streamgrad.REFUSED.getId();
        return new TypedSideOutputs<>(scored, Map.of(refused, new OutputTag<>(refused, new RefusedTypeInfo(type))));
    }

    /**
     * As {@link #apply}, with a row for each record that the Table API takes as it is: the record's fields, then each output of
     * the model, typed as the bundle says.
     *
     * @return rows as {@link RowMap} makes them, with the side outputs of {@link #apply}
     * @throws IllegalStateException if {@link #updates} was not said
     * @throws IllegalArgumentException if this machine cannot read the bundle, or a field of the record cannot be a column
     */
    public SingleOutputStreamOperator<Row> asRows() {
        RowMap<T> rows =
                new RowMap<>(options.reader(records.getExecutionEnvironment()).schema(), options.type, options.fields);
        return TypedSideOutputs.rows(apply(), rows, uid);
    }
}
