package dev.streamgrad.flink;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.util.OutputTag;

/**
 * How records wait for their labels; {@link #apply} puts the wait into the job. Used by one thread, which builds the job.
 *
 * <p>Each record comes out at once without label, to be predicted, and again with its label, to be learned. A label is a
 * record's if its event time is the record's or at most {@link #onTime} later; timers only free memory. In two streams a
 * label may overtake its record; it waits until the watermark passes its time. The first label counts:
 * the same once more is a duplicate, another one a correction. A second record of a key within its predecessor's time
 * is a duplicate. Metrics in the operator's group {@code streamgrad}: {@code records}, {@code labels}, {@code expired},
 * {@code unmatched}, {@code duplicates}, {@code corrections}.
 *
 * <p>Reproducible with one mixed, ordered stream and a parallelism of 1 throughout.
 *
 * @param <R> the record
 * @param <L> what brings a label
 * @param <K> the key
 */
public final class LabelWait<R, L, K> {
    private final DataStream<R> records;
    private final KeySelector<R, K> recordKey;
    private final DataStream<L> labels;
    private final KeySelector<L, K> labelKey;
    private LabelFunction<? super L> label;
    private Duration onTime;
    private Expiry onExpiry = Expiry.drop();
    private int parallelism;
    private String uid;
    private String name = "await labels";

    /** A mixed stream has no second one: {@code labels} and {@code labelKey} are null, and R is L. */
    LabelWait(DataStream<R> records, KeySelector<R, K> recordKey, DataStream<L> labels, KeySelector<L, K> labelKey) {
        this.records = Objects.requireNonNull(records, "records");
        this.recordKey = Objects.requireNonNull(recordKey, "key");
        this.labels = labels;
        this.labelKey = labelKey;
    }

    /**
     * What the label of an event is. Needed.
     *
     * @param label null for an event of a mixed stream that is a record
     * @return this
     */
    public LabelWait<R, L, K> label(LabelFunction<? super L> label) {
        this.label = Objects.requireNonNull(label, "label");
        return this;
    }

    /**
     * How much later than its record, in event time, a label may be. Needed: it bounds the state.
     *
     * @param limit inclusive
     * @return this
     */
    public LabelWait<R, L, K> onTime(Duration limit) {
        Learning.millis("onTime", limit);
        this.onTime = limit;
        return this;
    }

    /**
     * What becomes of a record whose label did not come in time; {@link Expiry#drop} unless said.
     *
     * @param expiry the choice
     * @return this
     */
    public LabelWait<R, L, K> onExpiry(Expiry expiry) {
        this.onExpiry = Objects.requireNonNull(expiry, "expiry");
        return this;
    }

    /**
     * How many subtasks wait; the environment's parallelism unless said.
     *
     * @param subtasks one or more
     * @return this
     */
    public LabelWait<R, L, K> parallelism(int subtasks) {
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
    public LabelWait<R, L, K> uid(String uid) {
        this.uid = Objects.requireNonNull(uid, "uid");
        return this;
    }

    /**
     * The name of the operator in Flink's user interface and metrics.
     *
     * @param name any
     * @return this
     */
    public LabelWait<R, L, K> name(String name) {
        this.name = Objects.requireNonNull(name, "name");
        return this;
    }

    /**
     * Puts the wait into the job.
     *
     * @return each record without label at once, and again with its label; side outputs are {@link Streamgrad#EXPIRED},
     *     {@link Streamgrad#UNMATCHED}, {@link Streamgrad#DUPLICATES} and {@link Streamgrad#CORRECTIONS}
     * @throws IllegalStateException if {@link #label} or {@link #onTime} was not said
     */
    public SingleOutputStreamOperator<Example<R>> apply() {
        if (label == null || onTime == null) {
            throw new IllegalStateException("awaitLabels: say .label(event -> ...) and .onTime(duration) before apply()");
        }
        TypeInformation<R> type = records.getType();
        ExampleTypeInfo<R> examples = new ExampleTypeInfo<>(type);
        LabelPairs<R> pairs = new LabelPairs<>(type, onTime.toMillis(), onExpiry);
        SingleOutputStreamOperator<Example<R>> paired;
        if (labels == null) {
            @SuppressWarnings("unchecked") // R is L
            LabelFunction<? super R> mixed = (LabelFunction<? super R>) label;
            paired = records.keyBy(recordKey).process(new AwaitMixed<>(pairs, mixed), examples);
        } else {
            paired = records.keyBy(recordKey)
                    .connect(labels.keyBy(labelKey))
                    .process(new AwaitConnected<>(pairs, label), examples);
        }
        paired.name(name);
        if (uid != null) {
            paired.uid(uid);
        }
        if (parallelism > 0) {
            paired.setParallelism(parallelism);
        }
        Map<String, OutputTag<?>> tags = new HashMap<>();
        for (OutputTag<Unpaired> tag : LabelPairs.TAGS) {
            tags.put(tag.getId(), Streamgrad.unpaired(tag.getId(), type));
        }
        return new TypedSideOutputs<>(paired, tags);
    }
}
