package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What a job writes for TensorBoard, read by TensorBoard itself. */
final class LearnTensorBoardTest {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = Cluster.start();

    /** The steps of a curve, and its tags' number, as TensorBoard's own reader has them. */
    private static final String READ = "import sys\n"
            + "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n"
            + "for run in sys.argv[1:]:\n"
            + "    found = EventAccumulator(run, size_guidance={'scalars': 0}).Reload()\n"
            + "    steps = [event.step for event in found.Scalars('loss/batch')]\n"
            + "    print(steps, 'norm/gradients' in found.Tags()['scalars'], bool(found.Tags()['histograms']))\n";

    @Test
    void eachSubtaskIsARun(@TempDir Path folder) throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        String runs = folder.resolve("runs").toString();
        int learned = Cluster.collect(Streamgrad.learn(Cluster.flights(env, 1_280).rebalance(), Bundles.flights())
                        .withBatch()
                        .own()
                        .parallelism(2)
                        .tensorboard(runs, board -> board.every(10))
                        .apply())
                .size();
        assertEquals(1_280, learned);
        List<String> found;
        try (Stream<Path> all = Files.list(Path.of(runs))) {
            found = all.map(Path::toString).sorted().collect(Collectors.toList());
        }
        assertEquals(List.of(runs + "/subtask-0", runs + "/subtask-1"), found);
        assertEquals("[1, 11] True True\n[1, 11] True True\n", read(found));
    }

    /** With the Python whose TensorFlow the tests use. */
    private static String read(List<String> runs) throws Exception {
        ProcessBuilder reader = new ProcessBuilder(System.getenv("VIRTUAL_ENV") + "/bin/python", "-c", READ);
        reader.command().addAll(runs);
        Process process = reader.redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(2, TimeUnit.MINUTES));
        return text;
    }
}
