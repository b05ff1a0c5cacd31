package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.Checkpoint;
import dev.streamgrad.Trainer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Whole jobs whose parameters come back from checkpoints and savepoints. */
final class CheckpointJobTest {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = Cluster.start();

    private static final long ROWS = 9_999;
    private static final double PER_SECOND = 10_000;

    @TempDir
    Path temporary;

    @AfterEach
    void nothingIsHeld() {
        assertEquals(0, Checkpoint.held());
        assertEquals(0, SharedTrainers.size());
    }

    /** Learns all flights and keeps what came of it under the job's name. */
    private static SingleOutputStreamOperator<Scored<Flight>> learner(
            String job, DataStream<Flight> flights, UnaryOperator<Learning<Flight>> mode) {
        return mode.apply(Streamgrad.learn(flights, Bundles.flights()).uid("learn").atEnd(Learned.keep(job))).apply();
    }

    private static String calm() throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        learner("calm", Cluster.flights(env, ROWS), Learning::withBatch).sinkTo(new DiscardingSink<>());
        env.execute();
        return Learned.by("calm");
    }

    private void failuresChangeNoBit(
            String job, UnaryOperator<DataStream<Flight>> before, UnaryOperator<Learning<Flight>> mode) throws Exception {
        StreamExecutionEnvironment env = Cluster.restarting(30);
        env.getCheckpointConfig().enableUnalignedCheckpoints();
        DataStream<Flight> flights = before.apply(Cluster.flights(env, ROWS, PER_SECOND)
                .map(new Paced())
                .returns(Cluster.FLIGHT)
                .map(new FailOnce(job, List.of(1_000L, 2_500L, 4_000L, 6_000L)))
                .returns(Cluster.FLIGHT));
        learner(job, flights, mode).sinkTo(new DiscardingSink<>());
        env.execute();
        assertEquals(0, FailOnce.remaining(job), "every failure happened");
        assertEquals(calm(), Learned.by(job));
    }

    @Test
    void failuresChangeNoBitOfPredictionsEither() throws Exception {
        StreamExecutionEnvironment env = Cluster.restarting(30);
        DataStream<Flight> flights = Cluster.flights(env, ROWS, PER_SECOND)
                .map(new Paced())
                .returns(Cluster.FLIGHT)
                .map(new FailOnce("predictions", List.of(1_000L, 2_500L, 4_000L, 6_000L)))
                .returns(Cluster.FLIGHT);
        List<String> disturbed = predictions(learner("predictions", flights, Learning::withBatch));
        assertEquals(0, FailOnce.remaining("predictions"), "every failure happened");
        StreamExecutionEnvironment undisturbed = Cluster.environment();
        assertEquals(
                predictions(learner("calm predictions", Cluster.flights(undisturbed, ROWS), Learning::withBatch)), disturbed);
        assertEquals(ROWS, disturbed.size());
        assertEquals(Learned.by("calm predictions"), Learned.by("predictions"));
    }

    /** Every prediction with its version, bits and all; each is collected exactly once. */
    private static List<String> predictions(SingleOutputStreamOperator<Scored<Flight>> scored) throws Exception {
        return Cluster.collect(scored.map(
                s -> s.record().id + " " + Float.floatToIntBits(s.prediction()) + " " + s.version(), Types.STRING));
    }

    @Test
    void failuresChangeNoBitWithUnalignedCheckpoints() throws Exception {
        failuresChangeNoBit("failures", flights -> flights, Learning::withBatch);
    }

    @Test
    void failuresChangeNoBitBehindAChannelWithMaxDelay() throws Exception {
        failuresChangeNoBit("channel", DataStream::rebalance, learning -> learning.maxDelay(Duration.ofMillis(2)));
    }

    @Test
    void failuresChangeNoBitWithAFolderBeside() throws Exception {
        String folder = temporary.resolve("beside").toString();
        failuresChangeNoBit("beside", flights -> flights, learning -> learning.folder(folder, f -> f.everySteps(50)));
        try (Trainer trainer = Trainer.open(Path.of(Bundles.flights()), Path.of(folder))) {
            assertEquals(Learned.by("beside"), Learned.everything(trainer), "the folder has what the job ended with");
        }
    }

    @Test
    void failuresChangeNoBitByReference() throws Exception {
        String folder = temporary.resolve("referred").toString();
        failuresChangeNoBit(
                "referred", flights -> flights, learning -> learning.folder(folder, f -> f.keepLast(1)).checkpointsByReference());
    }

    @Test
    void checkpointsThatFailLeaveNothingBehind() throws Exception {
        String folder = temporary.resolve("declined").toString();
        StreamExecutionEnvironment env = Cluster.restarting(20);
        env.getCheckpointConfig().setTolerableCheckpointFailureNumber(Integer.MAX_VALUE);
        DataStream<Flight> flights = Cluster.flights(env, ROWS, PER_SECOND).map(new Paced()).returns(Cluster.FLIGHT);
        learner("declined", flights, l -> l.withBatch().folder(folder, f -> f.keepLast(1)).checkpointsByReference())
                .getSideOutput(Streamgrad.REPORTS)
                .transform("decline", new StepReportTypeInfo(), new DeclineSome<>())
                .sinkTo(new DiscardingSink<>());
        env.execute();
        assertTrue(DeclineSome.times() > 5, "checkpoints failed: " + DeclineSome.times());
        assertEquals(calm(), Learned.by("declined"));
        try (Trainer trainer = Trainer.open(Path.of(Bundles.flights()), Path.of(folder))) {
            // The newest, that of the last complete checkpoint, and that of one that was on its way.
            assertTrue(trainer.keptVersions().size() <= 3, trainer.keptVersions().toString());
        }
    }

    /** Runs until so many rows are learned, then stops with a savepoint; gives back its path. */
    private String stop(StreamExecutionEnvironment env, String probe, boolean drain) throws Exception {
        JobClient client = env.executeAsync();
        while (Progress.of(probe) < ROWS / 8) {
            Thread.sleep(5);
        }
        return client.stopWithSavepoint(drain, temporary.resolve("savepoints").toUri().toString(), SavepointFormatType.CANONICAL)
                .get();
    }

    private static StreamExecutionEnvironment from(String savepoint) {
        Configuration configuration = new Configuration();
        configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
        configuration.set(StateRecoveryOptions.SAVEPOINT_IGNORE_UNCLAIMED_STATE, true);
        return Cluster.environment(configuration);
    }

    /** Stops a job of its own midway. */
    private String stopped(String job, boolean drain) throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        DataStream<Flight> flights = Cluster.flights(env, ROWS, PER_SECOND).map(new Paced()).returns(Cluster.FLIGHT);
        learner(job, flights, Learning::withBatch)
                .getSideOutput(Streamgrad.REPORTS)
                .map(new Progress(job))
                .sinkTo(new DiscardingSink<>());
        return stop(env, job, drain);
    }

    @Test
    void stoppedWithoutDrainingItGoesOnAsIfItHadNotBeen() throws Exception {
        String savepoint = stopped("stopped", false);
        assertEquals(null, Learned.by("stopped"), "the end was not reached");
        StreamExecutionEnvironment env = from(savepoint);
        learner("resumed", Cluster.flights(env, ROWS, 1e9), Learning::withBatch)
                .getSideOutput(Streamgrad.REPORTS)
                .map(new Progress("resumed"))
                .sinkTo(new DiscardingSink<>());
        env.execute();
        assertTrue(Progress.of("resumed") < ROWS, "only the rest was learned");
        assertEquals(calm(), Learned.by("resumed"));
    }

    @Test
    void commandsCanBeAddedWhenItResumes() throws Exception {
        StreamExecutionEnvironment env = from(stopped("uncommanded", false));
        DataStream<ControlCommand> commands =
                env.fromData("status").map(ControlCommand::of, TypeInformation.of(ControlCommand.class));
        List<ControlReply> replies = Cluster.collect(
                learner("commanded", Cluster.flights(env, ROWS, 1e9), learning -> learning.withBatch().control(commands))
                        .getSideOutput(Streamgrad.CONTROL_REPLIES));
        assertEquals(1, replies.size());
        assertEquals(calm(), Learned.by("commanded"));
    }

    @Test
    void drainedTheShortBatchIsLearnedAndThenSaved() throws Exception {
        String savepoint = stopped("drained", true);
        long steps = (Progress.of("drained") + 31) / 32;
        assertTrue(Learned.by("drained").contains("\"steps\": " + steps + "\n"), Learned.by("drained") + " of " + steps);
        StreamExecutionEnvironment env = from(savepoint);
        // Another source: the drained one has ended for good.
        DataStream<Flight> none = env.fromSequence(1, 1).map(i -> Flight.landed(i), Cluster.FLIGHT).filter(f -> false);
        learner("after the drain", none, Learning::withBatch).sinkTo(new DiscardingSink<>());
        env.execute();
        assertEquals(Learned.by("drained"), Learned.by("after the drain"));
    }

    private void rescaled(String job, UnaryOperator<Learning<Flight>> sharing) throws Exception {
        String savepoint = stopped(job, false);
        long steps = Progress.of(job) / 32;
        StreamExecutionEnvironment env = from(savepoint);
        DataStream<Flight> flights = Cluster.flights(env, ROWS, 1e9).rebalance();
        List<StepReport> reports = Cluster.collect(
                learner(job + " on two", flights, learning -> sharing.apply(learning.withBatch()).parallelism(2))
                        .getSideOutput(Streamgrad.REPORTS));
        Map<Integer, Long> first = new TreeMap<>();
        reports.forEach(report -> first.merge(report.subtask(), report.gradientVersion(), Math::min));
        assertEquals(2, first.size(), "both learn");
        first.forEach((subtask, version) -> assertTrue(version >= steps, subtask + " started from " + version + " of " + steps));
        assertTrue(first.containsValue(steps), first + " of " + steps);
    }

    @Test
    void onTwoSubtasksOfTheirOwnEachStartsFromTheSavedVersion() throws Exception {
        rescaled("one, then own", Learning::own);
    }

    @Test
    void onTwoSubtasksThatShareBothStartFromTheSavedVersion() throws Exception {
        rescaled("one, then shared", learning -> learning.shared("rescaled"));
    }

    @Test
    void aSavepointOfAnotherBundleFailsTheJobWithTheReason() throws Exception {
        StreamExecutionEnvironment env = from(stopped("foreign", false));
        Exception failure = Cluster.failure(Streamgrad.learn(Cluster.flights(env, ROWS), Bundles.delays()).uid("learn").apply());
        assertTrue(ExceptionUtils.findThrowableWithMessage(failure, "is of another bundle").isPresent(), failure.toString());
    }

    @Test
    void aSavepointIsWholeWhereCheckpointsRefer() throws Exception {
        String folder = temporary.resolve("small").toString();
        StreamExecutionEnvironment env = Cluster.restarting(20);
        DataStream<Flight> flights = Cluster.flights(env, ROWS, PER_SECOND).map(new Paced()).returns(Cluster.FLIGHT);
        learner("small", flights, l -> l.withBatch().folder(folder).checkpointsByReference())
                .getSideOutput(Streamgrad.REPORTS)
                .map(new Progress("small"))
                .sinkTo(new DiscardingSink<>());
        String savepoint = stop(env, "small", false);
        try (Stream<Path> files = Files.walk(Path.of(folder))) {
            files.sorted((a, b) -> b.compareTo(a)).forEach(path -> path.toFile().delete());
        }
        StreamExecutionEnvironment moved = from(savepoint);
        learner("moved", Cluster.flights(moved, ROWS, 1e9), Learning::withBatch).sinkTo(new DiscardingSink<>());
        moved.execute();
        assertEquals(calm(), Learned.by("moved"));
    }
}
