package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.Predictor;
import dev.streamgrad.VersionId;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** A second stream of updates in whole jobs, with checkpoints and failures. */
final class PredictUpdatesTest {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = Cluster.start();

    @TempDir
    Path temporary;

    private static StreamExecutionEnvironment restarting() {
        Configuration configuration = new Configuration();
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 20);
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(10));
        StreamExecutionEnvironment env = Cluster.environment(configuration);
        env.enableCheckpointing(40);
        return env;
    }

    private static final class Line {
        final String kind;
        final long id;
        final String text;

        Line(String line) {
            String[] parts = line.split(" ", 3);
            kind = parts[0];
            id = Long.parseLong(parts[1]);
            text = parts[2];
        }
    }

    /** What a job gives: {@code row ID VERSION}, and {@code refused 0 REASON}. */
    private static List<Line> run(SingleOutputStreamOperator<Scored<Flight>> scored) throws Exception {
        DataStream<String> lines = scored.map(one -> "row " + one.record().id + " " + one.versionId(), Types.STRING)
                .union(scored.getSideOutput(Streamgrad.REFUSED_UPDATES)
                        .map(refused -> "refused 0 " + refused.record() + ": " + refused.reason(), Types.STRING));
        return Cluster.collect(lines).stream().map(Line::new).collect(Collectors.toList());
    }

    @Test
    void afterFailuresItPredictsByWhatTheLastUpdateNamed() throws Exception {
        long rows = 8_000;
        try (Saving saving = new Saving(temporary.resolve("model"))) {
            VersionId first = saving.save();
            saving.save();
            VersionId newest = saving.save();
            StreamExecutionEnvironment env = restarting();
            DataStream<Flight> flights = Cluster.flights(env, rows, 4_000)
                    .map(new FailOnce("updates", List.of(2_000L, 5_000L)))
                    .returns(Cluster.FLIGHT);
            DataStream<ModelUpdate> updates = env.fromData(
                    ModelUpdate.version("77"), ModelUpdate.version(first), ModelUpdate.bundle("/nowhere"));
            List<Line> lines = run(Streamgrad.predict(flights, Bundles.flights())
                    .follow(saving.folder.toString())
                    .every(Duration.ofMillis(10))
                    .updates(updates)
                    .uid("predict")
                    .apply());
            assertEquals(0, FailOnce.remaining("updates"), "every failure happened");
            List<Line> predicted = lines.stream().filter(line -> line.kind.equals("row")).collect(Collectors.toList());
            assertEquals(
                    LongStream.range(0, rows).boxed().collect(Collectors.toList()),
                    predicted.stream().map(line -> line.id).sorted().collect(Collectors.toList()));
            List<String> versions = predicted.stream().map(line -> line.text).collect(Collectors.toList());
            int named = versions.indexOf(first.toString());
            assertTrue(named >= 0 && named < 5_000, "the update came before the last failure: " + named);
            assertEquals(Set.of(first.toString()), Set.copyOf(versions.subList(named, versions.size())));
            assertTrue(Set.of(newest.toString(), first.toString()).containsAll(versions));
            List<String> refused = lines.stream()
                    .filter(line -> line.kind.equals("refused"))
                    .map(line -> line.text)
                    .collect(Collectors.toList());
            assertTrue(refused.stream().anyMatch(text -> text.startsWith("version 77: ") && text.contains(newest.toString())), refused.toString());
            assertTrue(refused.stream().anyMatch(text -> text.startsWith("bundle /nowhere: ")), refused.toString());
        }
    }

    @Test
    void everySubtaskGetsEveryUpdate() throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        DataStream<ModelUpdate> updates = env.fromData(ModelUpdate.bundle("file://" + Bundles.retrained()));
        SingleOutputStreamOperator<Scored<Flight>> scored = Streamgrad.predict(
                        Cluster.flights(env, 4_000, 4_000).rebalance(), "ship:" + Bundles.flights())
                .updates(updates)
                .parallelism(2)
                .name("scores")
                .apply();
        assertEquals("scores", scored.getName());
        assertEquals(2, scored.getParallelism());
        assertEquals(new ScoredTypeInfo<>(Cluster.FLIGHT), scored.getType());
        assertEquals(new RefusedTypeInfo(Cluster.FLIGHT), scored.getSideOutput(Streamgrad.REFUSED).getType());
        List<Line> lines = run(scored);
        assertEquals(4_000, lines.size(), "nothing is refused");
        Set<String> atTheEnd = lines.stream().filter(line -> line.id >= 3_000).map(line -> line.text).collect(Collectors.toSet());
        try (Predictor retrained = Predictor.builder(Path.of(Bundles.retrained())).open()) {
            assertEquals(Set.of(retrained.version().toString()), atTheEnd, "both subtasks predict by what was named");
        }
    }

    @Test
    void whatIsMissingIsSaidWhenTheJobIsBuilt() {
        StreamExecutionEnvironment env = Cluster.environment();
        Predicting<Flight> predicting = Streamgrad.predict(Cluster.flights(env, 10), Bundles.flights());
        assertThrows(IllegalStateException.class, predicting::apply);
        assertThrows(IllegalArgumentException.class, () -> predicting.parallelism(0));
        assertThrows(IllegalArgumentException.class, () -> predicting.every(Duration.ofMillis(-1)));
        assertThrows(
                IllegalArgumentException.class,
                () -> Streamgrad.predictNumbered(Cluster.flights(env, 10), "bundles").follow("model"));
    }
}
