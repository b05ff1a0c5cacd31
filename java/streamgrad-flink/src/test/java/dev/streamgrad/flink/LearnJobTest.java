package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.Trainer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The learner in whole jobs, with checkpoints, failures and several subtasks. */
final class LearnJobTest {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = Cluster.start();

    /** A prediction as text, bits and all; spoils the record, as an operator behind may that re-uses objects. */
    private static String spent(Scored<Flight> scored) {
        scored.record().hour = Double.NaN;
        return "row " + scored.record().id + " " + Float.floatToIntBits(scored.prediction()) + " " + scored.version();
    }

    /** Every prediction and every step. */
    private static DataStream<String> everything(SingleOutputStreamOperator<Scored<Flight>> scored) {
        return scored.map(LearnJobTest::spent, Types.STRING)
                .union(scored.getSideOutput(Streamgrad.REPORTS)
                        .map(r -> "step " + r.rows() + " " + r.version() + " " + Float.floatToIntBits(r.loss()), Types.STRING));
    }

    private static List<Long> numbers(List<String> lines, String kind) {
        return lines.stream()
                .filter(line -> line.startsWith(kind))
                .map(line -> Long.parseLong(line.split(" ")[1]))
                .collect(Collectors.toList());
    }

    private static void failuresLoseAndRepeatNothing(
            String job, UnaryOperator<DataStream<Flight>> before, UnaryOperator<Learning<Flight>> mode) throws Exception {
        long rows = 12_345;
        StreamExecutionEnvironment env = Cluster.restarting(40);
        env.getCheckpointConfig().enableUnalignedCheckpoints();
        DataStream<Flight> flights = before.apply(Cluster.flights(env, rows, 8_000)
                .map(new Paced())
                .returns(Cluster.FLIGHT)
                .map(new FailOnce(job, List.of(2_000L, 5_000L, 9_000L)))
                .returns(Cluster.FLIGHT));
        List<String> lines =
                Cluster.collect(everything(mode.apply(Streamgrad.learn(flights, Bundles.flights())).apply()));
        assertEquals(0, FailOnce.remaining(job), "every failure happened");
        assertEquals(LongStream.range(0, rows).boxed().collect(Collectors.toList()), numbers(lines, "row"));
        List<Long> batches = numbers(lines, "step");
        assertEquals(rows, batches.stream().mapToLong(Long::longValue).sum(), "each row is learned once");
        assertEquals(rows / 32 + 1, batches.size(), "no failure and no checkpoint cut a batch");
        assertEquals(rows % 32, batches.get(batches.size() - 1));
    }

    @Test
    void failuresLoseAndRepeatNothingWithMaxDelay() throws Exception {
        failuresLoseAndRepeatNothing("delay", flights -> flights, learning -> learning.maxDelay(Duration.ofMillis(3)));
    }

    @Test
    void failuresLoseAndRepeatNothingWithBatch() throws Exception {
        failuresLoseAndRepeatNothing("batch", flights -> flights, Learning::withBatch);
    }

    @Test
    void failuresLoseAndRepeatNothingBehindAChannelWithUnalignedCheckpoints() throws Exception {
        failuresLoseAndRepeatNothing("channel", DataStream::rebalance, learning -> learning.maxDelay(Duration.ofMillis(3)));
    }

    /** The parameters that each job ended with, bits and all; jobs and tests share this JVM. */
    private static final Map<String, List<String>> PARAMETERS = new ConcurrentHashMap<>();

    private static void keep(String job, Trainer trainer) {
        PARAMETERS.put(job, trainer.parameterNames().stream()
                .map(name -> name + " " + Arrays.toString(trainer.parameter(name)))
                .collect(Collectors.toList()));
    }

    /** What a run gives, and under which name its parameters are kept. */
    private static List<String> run(String job, long checkpointMillis, UnaryOperator<Learning<Flight>> mode) throws Exception {
        StreamExecutionEnvironment env = Cluster.restarting(checkpointMillis);
        Learning<Flight> learning = Streamgrad.learn(Cluster.flights(env, 5_000, 10_000), Bundles.flights());
        return Cluster.collect(everything(mode.apply(learning).atEnd(trainer -> keep(job, trainer)).apply())).stream()
                .sorted()
                .collect(Collectors.toList());
    }

    @Test
    void twoRunsHaveEqualBitsWheneverCheckpointsCome() throws Exception {
        List<String> calm = run("calm with batch", 0, Learning::withBatch);
        assertEquals(5_000 + 157, calm.size());
        assertEquals(calm, run("checkpointed with batch", 15, Learning::withBatch));
        assertEquals(PARAMETERS.get("calm with batch"), PARAMETERS.get("checkpointed with batch"));
        assertEquals(4, PARAMETERS.get("calm with batch").size());
    }

    @Test
    void withMaxDelayTwoRunsLearnEqualBits() throws Exception {
        UnaryOperator<Learning<Flight>> mode = learning -> learning.maxDelay(Duration.ofMillis(1));
        List<Long> calm = numbers(run("calm with delay", 0, mode), "row");
        assertEquals(calm, numbers(run("checkpointed with delay", 15, mode), "row"));
        assertEquals(PARAMETERS.get("calm with delay"), PARAMETERS.get("checkpointed with delay"));
        run("cut by the clock", 0, learning -> mode.apply(learning).learnAfter(Duration.ofMillis(1)));
        assertNotEquals(PARAMETERS.get("calm with delay"), PARAMETERS.get("cut by the clock"), "the test would see it");
    }

    @Test
    void lateLabelsAreLearnedWhenTheyCome() throws Exception {
        StreamExecutionEnvironment env = Cluster.restarting(50);
        long flights = 1_000;
        // Flight n departs at event 2n and lands at event 2n + 101; the last ones have not landed at the end.
        DataStream<Flight> events = env.fromSequence(0, 2 * flights - 1)
                .map(
                        event -> event % 2 == 0
                                ? Flight.departing(event / 2)
                                : event > 100 ? Flight.landed((event - 101) / 2) : Flight.departing(-event),
                        Cluster.FLIGHT)
                .filter(flight -> flight.id >= 0)
                .assignTimestampsAndWatermarks(WatermarkStrategy
                        .<Flight>forMonotonousTimestamps()
                        .withTimestampAssigner((flight, time) -> flight.late == null ? 2 * flight.id : 2 * flight.id + 101));
        SingleOutputStreamOperator<Example<Flight>> examples = Streamgrad.awaitLabels(events, flight -> flight.id)
                .label(flight -> flight.late)
                .onTime(Duration.ofMillis(500))
                .onExpiry(Expiry.drop())
                .uid("await-labels")
                .apply();
        SingleOutputStreamOperator<Scored<Example<Flight>>> scored =
                Streamgrad.learn(examples, Bundles.flights()).withBatch().uid("learn").apply();
        List<String> lines = Cluster.collect(scored.map(
                        s -> (s.record().isLabelled() ? "landed " : "departed ") + s.record().record().id, Types.STRING)
                .union(scored.getSideOutput(Streamgrad.REPORTS).map(r -> "step " + r.rows(), Types.STRING))
                .union(examples.getSideOutput(Streamgrad.EXPIRED)
                        .map(u -> "expired " + ((Flight) u.record()).id, Types.STRING)));
        List<Long> all = LongStream.range(0, flights).boxed().collect(Collectors.toList());
        assertEquals(all, numbers(lines, "departed"));
        assertEquals(all.subList(0, 950), numbers(lines, "landed"));
        assertEquals(all.subList(950, 1_000), sortedNumbers(lines, "expired"));
        assertEquals(950, numbers(lines, "step").stream().mapToLong(Long::longValue).sum());
    }

    private static List<Long> sortedNumbers(List<String> lines, String kind) {
        return numbers(lines, kind).stream().sorted().collect(Collectors.toList());
    }

    private static List<Long> versions(UnaryOperator<Learning<Flight>> sharing) throws Exception {
        StreamExecutionEnvironment env = Cluster.restarting(0);
        return Cluster.collect(sharing.apply(Streamgrad.learn(Cluster.flights(env, 6_400), Bundles.flights()))
                        .parallelism(2)
                        .apply()
                        .getSideOutput(Streamgrad.REPORTS)
                        .map(StepReport::version, Types.LONG))
                .stream()
                .sorted()
                .collect(Collectors.toList());
    }

    @Test
    void subtasksShareOneModelOrHaveTheirOwn() throws Exception {
        List<Long> shared = versions(learning -> learning.shared("lateness"));
        assertEquals(200, shared.size());
        assertEquals(200, shared.stream().distinct().count(), "one lineage");
        List<Long> own = versions(Learning::own);
        assertEquals(200, own.size());
        assertEquals(100, own.stream().distinct().count(), "two lineages");
        assertEquals(0, SharedTrainers.size(), "the last subtask closed it");
    }

    @Test
    void parallelismThatWasSetAfterwardsIsCheckedToo() {
        DataStream<Flight> flights = Cluster.flights(Cluster.environment(), 10);
        assertThrows(
                IllegalArgumentException.class,
                () -> Streamgrad.learn(flights, Bundles.flights()).parallelism(2).apply());
        SingleOutputStreamOperator<Scored<Flight>> scored =
                Streamgrad.learn(flights, Bundles.flights()).apply().setParallelism(2);
        Exception failure = Cluster.failure(scored);
        assertTrue(ExceptionUtils.findThrowableWithMessage(failure, "needs shared(name)").isPresent());
    }

    @Test
    void aFolderHoldsOneModelAndAReferenceNeedsAFolder() {
        DataStream<Flight> flights = Cluster.flights(Cluster.environment(), 10);
        String own = assertThrows(
                        IllegalArgumentException.class,
                        () -> Streamgrad.learn(flights, "any").own().parallelism(2).folder("/any").apply())
                .getMessage();
        assertTrue(own.contains("a folder holds one model"), own);
        String reference = assertThrows(
                        IllegalArgumentException.class,
                        () -> Streamgrad.learn(flights, "any").checkpointsByReference().apply())
                .getMessage();
        assertTrue(reference.contains("name the folder"), reference);
    }

    @Test
    void aMissingBundleFailsTheJobWithItsPath() {
        Exception failure = Cluster.failure(
                Streamgrad.learn(Cluster.flights(Cluster.environment(), 10), "/nowhere/flights.bundle").apply());
        assertTrue(ExceptionUtils.findThrowableWithMessage(failure, "/nowhere/flights.bundle").isPresent());
    }

    @Test
    void sideOutputsKeepTheRecordsType() {
        SingleOutputStreamOperator<Scored<Flight>> scored =
                Streamgrad.learn(Cluster.flights(Cluster.environment(), 10), "any").uid("learn").name("lateness").apply();
        assertEquals(new RefusedTypeInfo(Cluster.FLIGHT), scored.getSideOutput(Streamgrad.REFUSED).getType());
        assertEquals(new ScoredTypeInfo<>(Cluster.FLIGHT), scored.getType());
        assertEquals("learn", scored.getTransformation().getUid());
        assertEquals("lateness", scored.getName());
        assertEquals(1, scored.getParallelism());
        assertFalse(scored.getSideOutput(Streamgrad.REPORTS).getType().isBasicType());
    }
}
