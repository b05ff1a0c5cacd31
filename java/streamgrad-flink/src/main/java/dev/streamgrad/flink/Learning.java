package dev.streamgrad.flink;

import dev.streamgrad.Builder;
import dev.streamgrad.Guard;
import dev.streamgrad.Trainer;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.OutputTag;

/**
 * How a stream is to be learned; {@link #apply} puts the learner into the job. Used by one thread, which builds the job.
 *
 * <p><b>What is reproducible.</b> With one subtask, one ordered input and a source with a reproducible order, two runs
 * have the same parameters bit for bit, whenever checkpoints come: only the number of rows cuts a batch. Predictions
 * are equal bit for bit {@link #withBatch} only, since a prediction's last bits depend on how many rows run beside it.
 *
 * <p><b>After a restart</b> everything comes back from the checkpoint and agrees with the source's position: parameters,
 * optimizer slots, counters, metrics, the unfinished batch. So where two runs have equal bits, a run that failed and was
 * restored has them too. The parameters are pinned at the barrier, without a copy, and written in the asynchronous part.
 * In a savepoint they are a part like any other; with another parallelism each subtask goes on from a saved version.
 * {@code docs/flink-delivery.md} says what holds for which job.
 *
 * <p><b>Embedding tables.</b> Ids are fields as any other, numbers or strings; an array or list fills a feature that takes
 * any number of them. The event time of a batch, by which rows of a table may expire, is the largest timestamp of its
 * labelled records. Where rows do expire by it, a labelled record without timestamp is refused.
 *
 * <p><b>Copies.</b> {@code pipeline.object-reuse: true} is safe and recommended: a copy from one chained operator to the
 * next costs as much as learning a row of a small model.
 *
 * @param <T> the record
 */
public final class Learning<T> {
    private final DataStream<T> stream;
    private final LearnOptions<T> options = new LearnOptions<>();
    private DataStream<ControlCommand> control;
    private int parallelism = 1;
    private String uid;
    private String name;

    Learning(DataStream<T> stream, BundleSource bundle) {
        this.stream = Objects.requireNonNull(stream, "stream");
        this.options.model = ModelSpec.of(bundle);
    }

    /**
     * How many labelled rows are learned in one step; 32 unless said.
     *
     * @param rows one or more
     * @return this
     */
    public Learning<T> batchRows(int rows) {
        options.batchRows = positive("batchRows", rows);
        return this;
    }

    /**
     * The longest time that a record waits for its prediction, in whole milliseconds; 5 unless said. A record whose batch
     * is not full by then leaves with a prediction all the same, and is learned later, with its batch. Behind a network
     * channel the stream's own {@code execution.buffer-timeout.interval} comes on top.
     *
     * @param delay zero or more; zero predicts each record by itself
     * @return this
     */
    public Learning<T> maxDelay(Duration delay) {
        options.maxDelay = millis("maxDelay", delay);
        return this;
    }

    /**
     * Records leave when their batch is learned, whenever that is; two runs have equal bits of predictions, too.
     *
     * @return this
     */
    public Learning<T> withBatch() {
        options.maxDelay = -1;
        return this;
    }

    /**
     * Learns a batch that did not fill within this time as it is. Each record is still learned exactly once, but where a
     * batch ends depends on the clock then: <b>two runs differ</b>.
     *
     * @param delay one millisecond or more
     * @return this
     */
    public Learning<T> learnAfter(Duration delay) {
        options.learnAfter = millis("learnAfter", delay);
        if (options.learnAfter == 0) {
            throw new IllegalArgumentException("set learnAfter: give a millisecond or more, or batchRows(1)");
        }
        return this;
    }

    /**
     * How many records may wait for their prediction; 8 batches unless said. When there are more, as records without label
     * can be, all leave with a prediction and nothing is learned.
     *
     * @param rows a batch or more
     * @return this
     */
    public Learning<T> maxWaitingRows(int rows) {
        options.maxWaitingRows = positive("maxWaitingRows", rows);
        return this;
    }

    /**
     * Where a record has the bundle's fields, and what stands for those that it has not.
     *
     * @param fields names of positions, other names, defaults
     * @return this
     */
    public Learning<T> fields(Fields fields) {
        options.fields = Objects.requireNonNull(fields, "fields");
        return this;
    }

    /**
     * Maps records to the bundle's fields by this instead of by the names of their fields.
     *
     * @param encoder serialised with the job
     * @return this
     */
    public Learning<T> encoder(Encoder<? super T> encoder) {
        options.encoder = Objects.requireNonNull(encoder, "encoder");
        return this;
    }

    /**
     * Sets options of the trainer, such as its learning rate or where TensorFlow is.
     *
     * @param trainer serialised with the job
     * @return this
     */
    public Learning<T> trainer(TrainerOptions trainer) {
        options.model = options.model.with(Objects.requireNonNull(trainer, "trainer"));
        return this;
    }

    /**
     * Refuses batches whose gradient is far from those before, too; what is not finite is refused in any case. The records of
     * a refused batch are predicted, go to {@link Streamgrad#QUARANTINED} with the reason, and change nothing. After many in a
     * row the trainer pauses or goes back to what the {@link #folder} has, as the guard says; the job goes on. While a trainer
     * is paused or stopped, by whomever, records are predicted, counted as {@code skipped} and not learned; whether a batch is
     * learned is decided where it is full.
     *
     * @param guard its quarantine is that side output: it keeps no batches of its own
     * @return this
     */
    public Learning<T> guard(Guard guard) {
        options.model = options.model.guarded(Objects.requireNonNull(guard, "guard"));
        return this;
    }

    /**
     * Does what a second stream says, in all learning subtasks, between two records; what became of it goes to
     * {@link Streamgrad#CONTROL_REPLIES}, also what could not be done, which never fails the job. Saving happens on the task's
     * thread. Flink reads two streams in no fixed order: where between the records a command takes effect differs from run
     * to run, and with it the parameters. Once it took effect, that is in the checkpoints. A job ends when both streams have.
     *
     * @param commands any parallelism; its event time means nothing
     * @return this
     */
    public Learning<T> control(DataStream<ControlCommand> commands) {
        this.control = Objects.requireNonNull(commands, "commands");
        return this;
    }

    /**
     * Uses the trainer once the input has ended and the last short batch is learned: to save its parameters, for
     * instance. Each subtask does so at its own end. A job that fails, is cancelled, or is stopped without draining it
     * does not get there; a job that is restarted after its end may do it again.
     *
     * @param action serialised with the job
     * @return this
     */
    public Learning<T> atEnd(TrainerAction action) {
        options.atEnd = Objects.requireNonNull(action, "action");
        return this;
    }

    /**
     * Subtasks of this job in one TaskManager share the parameters under this name, also with a {@link PredictMap} or
     * {@link TrainMap} that names it. Each gradient is applied whole, in the order of arrival: two runs differ. The
     * trainer's options are those of whoever opens it first.
     *
     * @param name any
     * @return this
     */
    public Learning<T> shared(String name) {
        options.model = options.model.sharedAs(Objects.requireNonNull(name, "name"));
        options.own = false;
        return this;
    }

    /**
     * Each subtask has parameters of its own, which see that subtask's records only.
     *
     * @return this
     */
    public Learning<T> own() {
        options.model = options.model.sharedAs(null);
        options.own = true;
        return this;
    }

    /**
     * Keeps what is learned in a folder, too, where other processes can follow it: saved once a minute and at the end. A job
     * that starts without a checkpoint goes on from what the folder holds; a checkpoint that is restored wins over it.
     *
     * @param path as the TaskManagers see it, in a folder that exists; it has one writer, so one subtask, or those of one
     *     TaskManager that share the parameters
     * @return this
     */
    public Learning<T> folder(String path) {
        return folder(path, folder -> folder);
    }

    /**
     * As {@link #folder(String)}, with other options than the defaults.
     *
     * @param path as the TaskManagers see it, in a folder that exists
     * @param folder serialised with the job
     * @return this
     */
    public Learning<T> folder(String path, FolderOptions folder) {
        options.model = options.model.in(new FolderSpec(path, folder));
        return this;
    }

    /**
     * Writes curves, histograms and the graph for TensorBoard: each subtask that learns into a run of its own,
     * {@code path/subtask-0} and so on; of those that {@link #shared share} a model, the one that opens it.
     *
     * @param path as the TaskManagers see it, for {@code tensorboard --logdir}; a folder that cannot be written stops nothing
     * @return this
     */
    public Learning<T> tensorboard(String path) {
        return tensorboard(path, board -> board);
    }

    /**
     * As {@link #tensorboard(String)}, with other options than the defaults.
     *
     * @param path as the TaskManagers see it
     * @param board serialised with the job
     * @return this
     */
    public Learning<T> tensorboard(String path, TensorBoardOptions board) {
        options.model = options.model.watched(new BoardSpec(path, board));
        return this;
    }

    /**
     * Checkpoints hold the name of a snapshot that is saved in the {@link #folder} for them, instead of the parameters: for
     * large models, whose bytes then go to one place and not two. Every TaskManager must see that folder. A snapshot that a
     * checkpoint refers to stays until a later checkpoint is complete; to go back to one before that, let the folder keep
     * more. Savepoints hold the parameters in any case.
     *
     * @return this
     */
    public Learning<T> checkpointsByReference() {
        options.byReference = true;
        return this;
    }

    /**
     * How many subtasks learn; 1 unless said, whatever the environment's default is.
     *
     * @param subtasks more than one needs {@link #shared} or {@link #own}
     * @return this
     */
    public Learning<T> parallelism(int subtasks) {
        this.parallelism = positive("parallelism", subtasks);
        return this;
    }

    /**
     * The name of the operator in savepoints: set it, so that a changed job finds its state.
     *
     * @param uid unique within the job
     * @return this
     */
    public Learning<T> uid(String uid) {
        this.uid = Objects.requireNonNull(uid, "uid");
        return this;
    }

    /**
     * The name of the operator in Flink's user interface and metrics.
     *
     * @param name any
     * @return this
     */
    public Learning<T> name(String name) {
        this.name = Objects.requireNonNull(name, "name");
        return this;
    }

    /**
     * Puts the learner into the job.
     *
     * @return every record that was not refused, with its prediction, in the order of arrival; side outputs are
     *     {@link Streamgrad#REPORTS}, {@link Streamgrad#REFUSED}, {@link Streamgrad#QUARANTINED} and
     *     {@link Streamgrad#CONTROL_REPLIES}
     * @throws IllegalArgumentException if the options do not go together
     */
    public SingleOutputStreamOperator<Scored<T>> apply() {
        options.checkParallelism(parallelism);
        if (options.byReference && options.model.folder == null) {
            throw new IllegalArgumentException("set checkpointsByReference: name the folder that they refer to, too");
        }
        if (options.maxWaitingRows > 0 && options.maxWaitingRows < options.batchRows) {
            throw new IllegalArgumentException("set maxWaitingRows: it is less than batchRows, which is "
                    + options.batchRows + ": " + options.maxWaitingRows);
        }
        StreamExecutionEnvironment env = stream.getExecutionEnvironment();
        reader().checkHere(schema -> options.encoder(schema, stream.getType()));
        String label = name != null ? name : "learn " + options.model.bundle;
        options.model = options.model.from(options.model.bundle.register(env));
        TypeInformation<T> type = stream.getType();
        TypeSerializer<T> records = type.createSerializer(env.getConfig().getSerializerConfig());
        ScoredTypeInfo<T> results = new ScoredTypeInfo<>(type);
        SingleOutputStreamOperator<Scored<T>> scored = control == null
                ? stream.transform(label, results, new LearnFactory<>(options, type, records))
                : stream.connect(control.broadcast())
                        .transform(label, results, new ControlledFactory<>(options, type, records));
        scored.setParallelism(parallelism);
        if (uid != null) {
            scored.uid(uid);
        }
        return new TypedSideOutputs<>(scored, Map.of(
                Streamgrad.REFUSED.getId(), ofRecords(Streamgrad.REFUSED, type),
                Streamgrad.QUARANTINED.getId(), ofRecords(Streamgrad.QUARANTINED, type)));
    }

    private static OutputTag<Refused> ofRecords(OutputTag<Refused> tag, TypeInformation<?> type) {
        return new OutputTag<>(tag.getId(), new RefusedTypeInfo(type));
    }

    /**
     * As {@link #apply}, with a row for each record that the Table API takes as it is: the record's fields, then each output of
     * the model, typed as the bundle says.
     *
     * @return rows as {@link RowMap} makes them, with the side outputs of {@link #apply}
     * @throws IllegalArgumentException if the options do not go together, this machine cannot read the bundle, or a field of the
     *     record cannot be a column
     */
    public SingleOutputStreamOperator<Row> asRows() {
        RowMap<T> rows = new RowMap<>(reader().schema(), stream.getType(), options.fields);
        return TypedSideOutputs.rows(apply(), rows, uid);
    }

    /** Reads, where the job is built, what the bundle says of its records. */
    private BundleReader reader() {
        TrainerOptions chosen = options.model.options;
        return new BundleReader(options.model.bundle, stream.getExecutionEnvironment(), folder -> {
            Builder builder = Trainer.builder(folder);
            chosen.set(builder);
            return builder.schema();
        });
    }

    private static int positive(String option, int value) {
        if (value < 1) {
            throw new IllegalArgumentException("set " + option + ": give one or more, not " + value);
        }
        return value;
    }

    static long millis(String option, Duration duration) {
        if (Objects.requireNonNull(duration, option).isNegative()) {
            throw new IllegalArgumentException("set " + option + ": give zero or more, not " + duration);
        }
        return duration.toMillis();
    }
}
