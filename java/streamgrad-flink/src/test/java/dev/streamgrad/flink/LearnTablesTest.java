package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.Batch;
import dev.streamgrad.Report;
import dev.streamgrad.Trainer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Records with ids in any number, whose rows expire by event time. */
final class LearnTablesTest {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = Cluster.start();

    private static final TypeInformation<Visit> VISIT = TypeInformation.of(Visit.class);
    private static final long HOUR = 3_600_000;
    private static final int STEPS = 300;

    private static LearnerHarness<Visit> learner(OperatorSubtaskState state, Consumer<LearnOptions<Visit>> options)
            throws Exception {
        return LearnerHarness.restored(
                Bundles.ids(), VISIT, state, new ExecutionConfig(), options.andThen(o -> o.maxDelay = -1));
    }

    private static List<Float> losses(LearnerHarness<Visit> learner) {
        return learner.newReports().stream().map(StepReport::loss).collect(Collectors.toList());
    }

    private static Visit seen(long id, long... items) {
        return new Visit(id, "user", List.of(), items, 1);
    }

    /** The loss of a step that sees the item of the step before once more, its records being of these times. */
    private static float secondLoss(long... times) throws Exception {
        try (LearnerHarness<Visit> learner = learner(null, o -> o.batchRows = 2)) {
            learner.send(seen(0, 31), 0);
            learner.send(seen(0, 31), 0);
            learner.send(seen(0, 31), times[0]);
            learner.send(seen(0), times[1]);
            return losses(learner).get(1);
        }
    }

    @Test
    void theLargestTimestampOfABatchIsItsEventTime() throws Exception {
        float kept = secondLoss(0, 0);
        assertEquals(kept, secondLoss(HOUR, 0), "as long as rows live");
        float expired = secondLoss(HOUR + 1000, 0);
        assertNotEquals(kept, expired, "the item begins anew");
        assertEquals(expired, secondLoss(0, HOUR + 1000), "whichever record is the latest");
    }

    @Test
    void recordsWithoutLabelDoNotMoveTheEventTime() throws Exception {
        try (LearnerHarness<Visit> learner = learner(null, o -> o.batchRows = 1)) {
            learner.send(seen(0, 31), 0);
            learner.send(Visit.unlabelled(1), 9 * HOUR);
            learner.send(seen(0, 31), 0);
            List<Float> losses = losses(learner);
            try (LearnerHarness<Visit> other = learner(null, o -> o.batchRows = 1)) {
                other.send(seen(0, 31), 0);
                other.send(seen(0, 31), 0);
                assertEquals(losses(other), losses);
            }
        }
    }

    @Test
    void aLabelledRecordWithoutTimestampIsRefused() throws Exception {
        try (LearnerHarness<Visit> learner = learner(null, o -> o.batchRows = 2)) {
            learner.flink().processElement(new StreamRecord<>(Visit.of(1)));
            learner.send(Visit.of(2), -1);
            List<String> reasons = learner.newRefused().stream().map(Refused::reason).collect(Collectors.toList());
            assertEquals(2, reasons.size());
            assertTrue(reasons.get(0).contains("withTimestampAssigner"), reasons.get(0));
            assertTrue(reasons.get(0).endsWith("the timestamp is missing"), reasons.get(0));
            assertTrue(reasons.get(1).endsWith("the timestamp is -1"), reasons.get(1));
            learner.flink().processElement(new StreamRecord<>(Visit.unlabelled(3)));
            learner.send(Visit.of(4), 0);
            learner.send(Visit.of(5), 0);
            assertEquals(List.of("3", "4", "5"), learner.out(), "to predict one needs no timestamp");
            assertEquals(1, learner.newReports().size());
        }
    }

    @Test
    void aNullAmongTheIdsIsRefused() throws Exception {
        try (LearnerHarness<Visit> learner = learner(null, o -> o.batchRows = 1)) {
            Visit hole = Visit.of(1);
            hole.friends = new ArrayList<>();
            hole.friends.add(null);
            learner.send(hole, 0);
            Visit none = Visit.of(2);
            none.items = null;
            learner.send(none, 0);
            List<String> reasons = learner.newRefused().stream().map(Refused::reason).collect(Collectors.toList());
            assertTrue(reasons.get(0).contains("friends is null"), reasons.get(0));
            assertTrue(reasons.get(1).contains("not null: items"), reasons.get(1));
        }
    }

    @Test
    void theUnfinishedBatchAndTheTablesSurviveACheckpoint() throws Exception {
        Consumer<LearnOptions<Visit>> options = o -> o.batchRows = 6;
        List<Float> calm;
        try (LearnerHarness<Visit> learner = learner(null, options)) {
            send(learner, 0, 24);
            calm = losses(learner);
            assertEquals(4, calm.size());
        }
        for (int cut : new int[] {3, 6, 10, 23}) {
            OperatorSubtaskState state;
            List<Float> losses;
            try (LearnerHarness<Visit> before = learner(null, options)) {
                send(before, 0, cut);
                losses = new ArrayList<>(losses(before));
                state = before.checkpoint(1);
            }
            try (LearnerHarness<Visit> after = learner(state, options)) {
                send(after, cut, 24);
                losses.addAll(losses(after));
            }
            assertEquals(calm, losses, "after a checkpoint at record " + cut);
        }
    }

    /** Six visits of one hour after six of another; the latest of each six comes first. */
    private static void send(LearnerHarness<Visit> learner, long from, long to) throws Exception {
        for (long i = from; i < to; i++) {
            learner.send(Visit.of(i % 7), i / 6 * HOUR + (6 - i % 6) * 60_000);
        }
    }

    /** A minute lies between two visits. */
    private static final WatermarkStrategy<Visit> MINUTES =
            WatermarkStrategy.<Visit>forMonotonousTimestamps().withTimestampAssigner((visit, time) -> visit.id * 60_000);

    /** Visits 0, 1, 2 ..., in order. */
    private static DataStream<Visit> visits(StreamExecutionEnvironment env, long count, boolean timed) {
        DataGeneratorSource<Visit> source =
                new DataGeneratorSource<>(Visit::of, count, RateLimiterStrategy.perSecond(1e9), VISIT);
        return env.fromSource(source, timed ? MINUTES : WatermarkStrategy.forMonotonousTimestamps(), "visits");
    }

    private static SingleOutputStreamOperator<Scored<Visit>> learned(DataStream<Visit> visits) {
        return Streamgrad.learn(visits, Bundles.ids()).batchRows(16).withBatch().apply();
    }

    /** What the trainer makes of the same batches without Flink. */
    private static List<Float> expected() {
        List<Float> losses = new ArrayList<>();
        try (Trainer trainer = Trainer.open(Path.of(Bundles.ids()))) {
            Batch batch = trainer.newBatch(16);
            for (int step = 0; step < STEPS; step++) {
                batch.clear();
                for (long i = 16L * step; i < 16 * (step + 1); i++) {
                    Visit visit = Visit.of(i);
                    batch.add(row -> row.set("user", visit.user)
                            .set("friends", visit.friends)
                            .set("items", visit.items)
                            .set("hour", visit.hour)
                            .set("clicked", visit.clicked));
                    batch.eventTime(visit.id * 60_000);
                }
                Report report = trainer.step(batch);
                losses.add(report.loss());
            }
        }
        return losses;
    }

    @Test
    void aJobLearnsWhatTheTrainerDoes() throws Exception {
        List<Float> losses = Cluster.collect(learned(visits(Cluster.environment(), 16 * STEPS, true))
                .getSideOutput(Streamgrad.REPORTS)
                .map(StepReport::loss, Types.FLOAT));
        assertEquals(expected(), losses);
        double last = losses.subList(STEPS - 50, STEPS).stream().mapToDouble(Float::doubleValue).average().orElseThrow();
        // 40 of 97 users click; who knows no more than that has a loss of 0.678.
        assertTrue(last < 0.4, "users are told apart by their rows: " + last);
    }

    @Test
    void failuresChangeNoBitOfTheTables() throws Exception {
        StreamExecutionEnvironment env = Cluster.restarting(30);
        DataStream<Visit> visits = Cluster.flights(env, 16 * STEPS, 10_000)
                .map(new Paced())
                .returns(Cluster.FLIGHT)
                .map(new FailOnce("tables", List.of(1_000L, 2_500L, 4_000L)))
                .returns(Cluster.FLIGHT)
                .map(flight -> Visit.of(flight.id))
                .returns(VISIT)
                .assignTimestampsAndWatermarks(MINUTES);
        List<Float> losses = Cluster.collect(learned(visits).getSideOutput(Streamgrad.REPORTS).map(StepReport::loss, Types.FLOAT));
        assertEquals(0, FailOnce.remaining("tables"), "every failure happened");
        assertEquals(expected(), losses);
    }

    @Test
    void aJobWithoutTimestampsRefusesWhatItWouldLearn() throws Exception {
        List<String> reasons = Cluster.collect(learned(visits(Cluster.environment(), 20, false))
                .getSideOutput(Streamgrad.REFUSED)
                .map(Refused::reason, Types.STRING));
        assertEquals(20, reasons.size());
        assertTrue(reasons.get(0).contains("expire by event time"), reasons.get(0));
    }

    @Test
    void aMapThatSeesNoTimestampsSaysSoWhenItOpens() throws Exception {
        Exception failure = Cluster.failure(visits(Cluster.environment(), 1, true)
                .map(List::of, Types.LIST(VISIT))
                .map(new TrainMap<>(Bundles.ids(), VISIT)));
        String message = ExceptionUtils.findThrowable(failure, IllegalArgumentException.class)
                .map(Throwable::getMessage)
                .orElseThrow(() -> new AssertionError(failure));
        assertTrue(message.contains("use Streamgrad.learn"), message);
    }
}
