package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.Guard;
import dev.streamgrad.VersionId;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of records whose batch is refused, or comes while the trainer is paused. */
final class LearnGuardTest {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = Cluster.start();

    @TempDir
    Path temporary;

    /** Of the regression: what is far beyond the others does not saturate. */
    private static LearnerHarness<Flight> learner(OperatorSubtaskState state, Consumer<LearnOptions<Flight>> options)
            throws Exception {
        Consumer<LearnOptions<Flight>> two = o -> {
            o.batchRows = 2;
            o.maxDelay = -1;
        };
        return LearnerHarness.restored(
                Bundles.delays(), TypeInformation.of(Flight.class), state, new ExecutionConfig(), two.andThen(options));
    }

    private static Flight scaled(long id, float factor) {
        Flight flight = Flight.landed(id);
        flight.hour = (flight.hour + 1) * factor;
        flight.distance = (flight.distance + 1) * factor;
        return flight;
    }

    private static void send(LearnerHarness<Flight> learner, long from, long to, float factor) throws Exception {
        for (long id = from; id < to; id++) {
            learner.send(factor == 1 ? Flight.landed(id) : scaled(id, factor), id);
        }
    }

    private static Flight poisoned(Flight flight) {
        if (flight.id == 100) {
            flight.hour = Double.NaN;
        } else if (flight.id == 200) {
            flight.distance = Float.NEGATIVE_INFINITY;
        } else if (flight.id >= 802 && flight.id < 810) {
            return scaled(flight.id, 1000);
        } else if (flight.id == 965) {
            flight.distance = 3e38f;
        }
        return flight;
    }

    @Test
    void ofAPoisonedStreamTheCleanBatchesAreLearned() throws Exception {
        DataStream<Flight> flights = Cluster.flights(Cluster.restarting(20), 2_000, 8_000)
                .map(LearnGuardTest::poisoned)
                .returns(Cluster.FLIGHT);
        SingleOutputStreamOperator<Scored<Flight>> scored = Streamgrad.learn(flights, Bundles.delays())
                .batchRows(8)
                .guard(Guard.defaults())
                .apply();
        assertEquals(new RefusedTypeInfo(Cluster.FLIGHT), scored.getSideOutput(Streamgrad.QUARANTINED).getType());
        List<String> lines = Cluster.collect(scored.map(s -> "row " + s.record().id, Types.STRING)
                .union(
                        scored.getSideOutput(Streamgrad.REFUSED).map(LearnGuardTest::told, Types.STRING),
                        scored.getSideOutput(Streamgrad.QUARANTINED).map(LearnGuardTest::told, Types.STRING),
                        scored.getSideOutput(Streamgrad.REPORTS).map(r -> "step " + r.rows(), Types.STRING)));
        assertEquals(List.of(100L, 200L), ids(lines, "value"));
        assertEquals(LongStream.range(802, 810).boxed().collect(Collectors.toList()), ids(lines, "norm"));
        assertEquals(LongStream.range(962, 970).boxed().collect(Collectors.toList()), ids(lines, "loss"));
        assertEquals(
                LongStream.range(0, 2_000).filter(id -> id != 100 && id != 200).boxed().collect(Collectors.toList()),
                ids(lines, "row"));
        assertEquals(
                2_000 - 2 - 16,
                ids(lines, "step").stream().mapToLong(Long::longValue).sum(),
                "every clean batch is learned");
    }

    private static String told(Refused refused) {
        String reason = refused.reason();
        String kind = reason.contains("norm") ? "norm" : reason.contains("the loss is") ? "loss" : "value";
        return kind + " " + ((Flight) refused.record()).id;
    }

    private static List<Long> ids(List<String> lines, String kind) {
        return lines.stream()
                .filter(line -> line.startsWith(kind + " "))
                .map(line -> Long.parseLong(line.split(" ")[1]))
                .collect(Collectors.toList());
    }

    @Test
    void manyRefusedBatchesPauseAndNothingIsHeldTwice() throws Exception {
        try (LearnerHarness<Flight> learner = learner(null, o -> o.model = o.model.guarded(Guard.defaults().pauseAfter(2)))) {
            send(learner, 0, 140, 1);
            assertEquals(70, learner.newReports().size());
            VersionId version = learner.trainer().status().version();
            send(learner, 140, 146, 1000);
            List<Refused> refused = learner.newQuarantined();
            assertEquals(
                    List.of(140L, 141L, 142L, 143L),
                    refused.stream().map(r -> ((Flight) r.record()).id).collect(Collectors.toList()));
            assertTrue(refused.get(0).reason().contains("norm"), refused.get(0).reason());
            assertTrue(refused.get(3).reason().contains("pause"), refused.get(3).reason());
            send(learner, 146, 150, 1);
            assertEquals(List.of(), learner.newQuarantined());
            assertEquals(List.of(), learner.newReports());
            assertEquals(150, learner.out().size(), "all are predicted");
            assertTrue(learner.trainer().status().paused());
            assertEquals(version, learner.trainer().status().version());
            assertEquals(0, learner.trainer().status().quarantined(), "their records are in the side output");
            learner.trainer().resume();
            send(learner, 150, 152, 1);
            assertEquals(1, learner.newReports().size());
        }
    }

    @Test
    void manyRefusedBatchesGoBackToWhatTheFolderHas() throws Exception {
        String folder = temporary.resolve("model").toString();
        try (LearnerHarness<Flight> learner = learner(null, o -> o.model = o.model
                .in(new FolderSpec(folder, options -> options))
                .guarded(Guard.defaults().rollBackAfter(2)))) {
            send(learner, 0, 140, 1);
            String saved = Learned.everything(learner.trainer());
            VersionId version = learner.trainer().save();
            send(learner, 140, 144, 1);
            learner.newReports();
            send(learner, 144, 148, 1000);
            assertEquals(4, learner.newQuarantined().size());
            VersionId back = learner.trainer().status().version();
            assertFalse(back.lineage() == version.lineage());
            assertEquals(saved, Learned.everything(learner.trainer()));
            send(learner, 148, 150, 1);
            assertEquals(1, learner.newReports().size(), "it learns on");
        }
    }

    @Test
    void aPausedTrainerPredictsAndSkips() throws Exception {
        try (LearnerHarness<Flight> learner = learner(null, o -> o.maxDelay = 5)) {
            send(learner, 0, 2, 1);
            learner.newReports();
            String before = Learned.everything(learner.trainer());
            learner.trainer().pause();
            learner.send(Flight.landed(2), 2);
            learner.at(5);
            learner.send(Flight.landed(3), 3);
            learner.send(Flight.departing(4), 4);
            learner.send(Flight.landed(5), 5);
            learner.at(10);
            assertEquals(List.of("0", "1", "2", "3", "4", "5"), learner.out());
            assertEquals(List.of(), learner.newReports());
            assertEquals(List.of(), learner.newQuarantined());
            assertEquals(before, Learned.everything(learner.trainer()));
            learner.trainer().resume();
            learner.send(Flight.landed(6), 6);
            assertEquals(1, learner.newReports().size(), "a batch counts as a whole, where it is full");
        }
    }

    @Test
    void aPausedTrainerComesBackPausedAndWhatWasSkippedDoesNot() throws Exception {
        OperatorSubtaskState state;
        String before;
        try (LearnerHarness<Flight> learner = learner(null, o -> {})) {
            send(learner, 0, 4, 1);
            before = Learned.everything(learner.trainer());
            learner.trainer().pause();
            send(learner, 4, 7, 1);
            state = learner.checkpoint(1);
        }
        try (LearnerHarness<Flight> learner = learner(state, o -> {})) {
            assertTrue(learner.trainer().status().paused());
            send(learner, 7, 9, 1);
            assertEquals(List.of("6", "7"), learner.out(), "4 and 5 were skipped before");
            assertEquals(List.of(), learner.newReports());
            assertEquals(before, Learned.everything(learner.trainer()));
            learner.trainer().resume();
            send(learner, 9, 10, 1);
            assertEquals(1, learner.newReports().size());
        }
    }

    @Test
    void aStoppedTrainerComesBackPaused() throws Exception {
        OperatorSubtaskState state;
        try (LearnerHarness<Flight> learner = learner(null, o -> {})) {
            learner.trainer().stop();
            send(learner, 0, 2, 1);
            assertEquals(List.of("0", "1"), learner.out());
            assertEquals(List.of(), learner.newReports());
            state = learner.checkpoint(1);
        }
        try (LearnerHarness<Flight> learner = learner(state, o -> {})) {
            assertTrue(learner.trainer().status().paused());
        }
    }

    @Test
    void aLearningRateThatWasSetComesBack() throws Exception {
        OperatorSubtaskState state;
        try (LearnerHarness<Flight> learner = learner(null, o -> {})) {
            learner.checkpointed().setLearningRate(0.375);
            state = learner.checkpoint(1);
        }
        try (LearnerHarness<Flight> learner = learner(state, o -> {})) {
            assertEquals(0.375, learner.trainer().status().learningRate());
            assertFalse(learner.trainer().status().paused());
        }
    }
}
