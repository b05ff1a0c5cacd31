package dev.streamgrad.flink;

import java.util.Objects;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.util.OutputTag;

/**
 * Where a Flink job starts: a model that learns from a stream, labels that come late, a model that others update.
 *
 * <pre>{@code
 * var scored = Streamgrad.learn(flights, "flights.bundle").batchRows(32).uid("learn-lateness").apply();
 * scored.filter(s -> s.prediction() > 0.8f).sinkTo(alerts);
 * scored.getSideOutput(Streamgrad.REFUSED).sinkTo(deadLetters);
 * }</pre>
 *
 * <p>Stateless; a job is built by one thread.
 */
public final class Streamgrad {
    /** Of {@link #learn}: what each step did. */
    public static final OutputTag<StepReport> REPORTS = new OutputTag<>("streamgrad-reports", new StepReportTypeInfo());

    /** Of {@link #learn} and {@link #predict}: records that were neither learned nor predicted, and why. */
    public static final OutputTag<Refused> REFUSED =
            new OutputTag<>("streamgrad-refused", new RefusedTypeInfo(TypeInformation.of(Object.class)));

    /**
     * Of {@link #learn}: records that were predicted but not learned, and why: with its batch each was refused because
     * something was not finite, or by the {@link Learning#guard}.
     */
    public static final OutputTag<Refused> QUARANTINED =
            new OutputTag<>("streamgrad-quarantined", new RefusedTypeInfo(TypeInformation.of(Object.class)));

    /** Of {@link #learn} with {@link Learning#control}: what became of each command, and how the trainer is since. */
    public static final OutputTag<ControlReply> CONTROL_REPLIES =
            new OutputTag<>("streamgrad-control-replies", new ControlReplyTypeInfo());

    /** Of {@link #awaitLabels}: records whose label did not come in time. */
    public static final OutputTag<Unpaired> EXPIRED = unpaired("streamgrad-expired", TypeInformation.of(Object.class));

    /** Of {@link #awaitLabels}: labels without a record, or later than their record's time. */
    public static final OutputTag<Unpaired> UNMATCHED = unpaired("streamgrad-unmatched", TypeInformation.of(Object.class));

    /** Of {@link #awaitLabels}: a second record of a key whose first one is not over, or the same label once more. */
    public static final OutputTag<Unpaired> DUPLICATES =
            unpaired("streamgrad-duplicates", TypeInformation.of(Object.class));

    /** Of {@link #awaitLabels}: another label than the one that came first. The first one is what is learned. */
    public static final OutputTag<Unpaired> CORRECTIONS =
            unpaired("streamgrad-corrections", TypeInformation.of(Object.class));

    /** Of {@link #predict}: updates that could not be followed, and why. */
    public static final OutputTag<Refused> REFUSED_UPDATES =
            new OutputTag<>("streamgrad-refused-updates", new RefusedTypeInfo(new ModelUpdateTypeInfo()));

    private Streamgrad() {}

    static OutputTag<Unpaired> unpaired(String id, TypeInformation<?> record) {
        return new OutputTag<>(id, new UnpairedTypeInfo(record));
    }

    /**
     * Predicts every record of a stream, then learns it if it carries its label.
     *
     * <p>A record has the bundle's fields by name ({@code Row}, {@code RowData}, POJO, Java record, tuple), or the
     * {@link Learning#encoder encoder} sets them. A label that is null has not come yet: such a record is predicted only.
     * The label of an {@link Example} is the example's.
     *
     * @param stream the records
     * @param bundle what {@link BundleSource#of} takes: a path, a URI, {@code classpath:}, {@code cached:} or {@code ship:}
     * @param <T> the record
     * @return options, then {@link Learning#apply}
     */
    public static <T> Learning<T> learn(DataStream<T> stream, String bundle) {
        return learn(stream, BundleSource.of(bundle));
    }

    /**
     * Predicts every record of a stream, then learns it if it carries its label, as {@link #learn(DataStream, String)}.
     *
     * @param stream the records
     * @param bundle where each TaskManager gets it
     * @param <T> the record
     * @return options, then {@link Learning#apply}
     */
    public static <T> Learning<T> learn(DataStream<T> stream, BundleSource bundle) {
        return new Learning<>(stream, bundle);
    }

    /**
     * Predicts every record of a stream by what a second stream of updates names, and learns nothing.
     *
     * <pre>{@code
     * var scored = Streamgrad.predict(flights, "flights.bundle").follow("/models/flights").updates(updates).apply();
     * }</pre>
     *
     * @param stream the records, with the bundle's features by name, unless an {@link Predicting#encoder encoder} sets them
     * @param bundle what {@link BundleSource#of} takes; its own parameters predict unless something is followed
     * @param <T> the record
     * @return options, then {@link Predicting#apply}
     */
    public static <T> Predicting<T> predict(DataStream<T> stream, String bundle) {
        return new Predicting<>(stream, PredictOptions.bundle(BundleSource.of(bundle), type(stream)));
    }

    /**
     * The same by the bundles in the subfolders {@code 1}, {@code 2}, ... of a folder.
     *
     * @param stream the records
     * @param folder a path that every TaskManager sees
     * @param <T> the record
     * @return options, then {@link Predicting#apply}
     */
    public static <T> Predicting<T> predictNumbered(DataStream<T> stream, String folder) {
        return new Predicting<>(stream, PredictOptions.numbered(folder, type(stream)));
    }

    /**
     * Holds each record of a mixed stream until an event with the same key brings its label.
     *
     * <p>An event without label is a record; an event with one only brings the label.
     *
     * @param events records and labels, with event times
     * @param key what a record and its label have in common
     * @param <E> the event
     * @param <K> the key
     * @return options, then {@link LabelWait#apply}
     */
    public static <E, K> LabelWait<E, E, K> awaitLabels(DataStream<E> events, KeySelector<E, K> key) {
        return new LabelWait<>(events, key, null, null);
    }

    /**
     * Holds each record of one stream until another stream brings its label.
     *
     * <p>Flink reads two streams in no fixed order, so what is learned is the same in every run but its order is not.
     *
     * @param records the records, with event times
     * @param recordKey the key of a record
     * @param labels what brings the labels, with event times
     * @param labelKey the key of a label's record
     * @param <R> the record
     * @param <L> what brings a label
     * @param <K> the key
     * @return options, then {@link LabelWait#apply}
     */
    public static <R, L, K> LabelWait<R, L, K> awaitLabels(
            DataStream<R> records, KeySelector<R, K> recordKey, DataStream<L> labels, KeySelector<L, K> labelKey) {
        return new LabelWait<>(
                records, recordKey, Objects.requireNonNull(labels, "labels"), Objects.requireNonNull(labelKey, "labelKey"));
    }

    private static <T> TypeInformation<T> type(DataStream<T> stream) {
        return Objects.requireNonNull(stream, "stream").getType();
    }
}
