package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.VersionId;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.Collector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** A stream of commands beside the records, in whole jobs. */
final class ControlJobTest {
    private static final InMemoryReporter REPORTER = InMemoryReporter.createWithRetainedMetrics();
    private static final TypeInformation<ControlCommand> COMMAND = TypeInformation.of(ControlCommand.class);

    /** By the job, which shares this JVM. */
    private static final AtomicReference<VersionId> SAVED = new AtomicReference<>();

    @RegisterExtension
    static final MiniClusterExtension CLUSTER = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setConfiguration(REPORTER.addToConfiguration(new Configuration()))
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(4)
            .build());

    @TempDir
    Path temporary;

    private static long counted(String job, String counter) {
        return REPORTER.getMetricsByGroup().entrySet().stream()
                .filter(group -> group.getKey().getMetricIdentifier(counter).contains("." + job + "."))
                .filter(group -> group.getKey().getMetricIdentifier(counter).endsWith(".streamgrad." + counter))
                .mapToLong(group -> ((Counter) group.getValue().get(counter)).getCount())
                .sum();
    }

    private static List<String> lines(List<String> all, String kind) {
        return all.stream()
                .filter(line -> line.startsWith(kind + " "))
                .map(line -> line.substring(kind.length() + 1))
                .collect(Collectors.toList());
    }

    private static DataStream<String> everything(SingleOutputStreamOperator<Scored<Flight>> scored) {
        return scored.process(
                        new ProcessFunction<Scored<Flight>, String>() {
                            @Override
                            public void processElement(Scored<Flight> value, Context context, Collector<String> out) {
                                long watermark = context.timerService().currentWatermark();
                                out.collect("row " + value.record().id);
                                out.collect("time " + (watermark > Long.MIN_VALUE));
                            }
                        },
                        Types.STRING)
                .union(
                        scored.getSideOutput(Streamgrad.REPORTS).map(r -> "step " + r.rows(), Types.STRING),
                        scored.getSideOutput(Streamgrad.CONTROL_REPLIES)
                                .map(r -> "reply " + r.command() + ": " + r.error().orElse(r.mode()), Types.STRING));
    }

    @Test
    void pausedFromTheStreamRecordsArePredictedAndSkippedUntilResumed() throws Exception {
        StreamExecutionEnvironment env = Cluster.restarting(50);
        DataStream<Flight> flights = Cluster.flights(env, 6_000, 3_000);
        DataStream<ControlCommand> commands = flights.filter(flight -> flight.id == 1_500 || flight.id == 3_500)
                .map(flight -> flight.id == 1_500 ? ControlCommand.pause() : ControlCommand.of(" resume\n"), COMMAND);
        List<String> all = Cluster.collect(everything(Streamgrad.learn(flights, Bundles.flights())
                .batchRows(8)
                .control(commands)
                .name("pausing")
                .apply()));
        assertEquals(
                LongStream.range(0, 6_000).mapToObj(Long::toString).collect(Collectors.toList()), lines(all, "row"));
        assertEquals(List.of("pause: paused", "resume: running"), lines(all, "reply"));
        long learned = lines(all, "step").stream().mapToLong(Long::parseLong).sum();
        assertTrue(learned >= 1_000 && learned <= 5_500, "some were learned: " + learned);
        assertEquals(6_000 - learned, counted("pausing", "skipped"));
        assertEquals(learned, counted("pausing", "rows"));
        int resumed = all.indexOf("reply resume: running");
        assertTrue(all.subList(resumed, all.size()).contains("step 8"), "it learns again");
        assertTrue(all.contains("time true"), "the records' watermarks pass, whatever the commands have");
    }

    @Test
    void commandsReachOneOfThoseThatShareAndWhatCannotBeDoneIsTold() throws Exception {
        String folder = temporary.resolve("model").toString();
        DataStream<Flight> before = Cluster.flights(Cluster.environment(), 320);
        Cluster.collect(Streamgrad.learn(before, Bundles.flights())
                .folder(folder)
                .atEnd(trainer -> SAVED.set(trainer.save()))
                .apply());
        StreamExecutionEnvironment env = Cluster.environment();
        DataStream<ControlCommand> commands = env.fromData(
                        "set-learning-rate 0.25",
                        "rollback " + SAVED.get(),
                        "rollback 00000000000000ab-7",
                        "set-learning-rate -1",
                        "dance",
                        "save",
                        "pause",
                        "status",
                        "stop",
                        "resume")
                .map(ControlCommand::of, COMMAND);
        SingleOutputStreamOperator<Scored<Flight>> scored = Streamgrad.learn(
                        Cluster.flights(env, 2_000, 1_000).rebalance(), Bundles.flights())
                .folder(folder)
                .shared("model")
                .parallelism(2)
                .control(commands)
                .apply();
        assertEquals(new ControlReplyTypeInfo(), scored.getSideOutput(Streamgrad.CONTROL_REPLIES).getType());
        List<ControlReply> replies = Cluster.collect(scored.getSideOutput(Streamgrad.CONTROL_REPLIES));
        assertEquals(10, replies.size(), "one of the two does it: " + replies);
        ControlReply back = replies.get(1);
        assertEquals(SAVED.get().number(), back.made().orElseThrow().number());
        assertNotEquals(SAVED.get().lineage(), back.made().orElseThrow().lineage());
        assertEquals(0.25, replies.get(0).learningRate());
        assertEquals(
                List.of("running", "running", "running", "running", "running", "running", "paused", "paused", "stopped", "stopped"),
                replies.stream().map(ControlReply::mode).collect(Collectors.toList()));
        assertEquals(
                List.of(2, 3, 4, 9),
                IntStream.range(0, 10).filter(i -> replies.get(i).error().isPresent()).boxed().collect(Collectors.toList()));
        assertTrue(replies.get(4).error().orElseThrow().contains("dance"), replies.get(4).toString());
        assertTrue(replies.get(5).made().isPresent() && replies.get(8).made().isPresent());
    }
}
