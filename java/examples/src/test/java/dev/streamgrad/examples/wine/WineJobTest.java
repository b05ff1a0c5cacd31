package dev.streamgrad.examples.wine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.flink.Scored;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The job takes the better model while it runs, and the side streams say so. */
final class WineJobTest {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = new MiniClusterExtension(
            new MiniClusterResourceConfiguration.Builder().setNumberSlotsPerTaskManager(2).build());

    /** Written by model.py. */
    private static final Path WINE = Path.of(System.getProperty("streamgrad.peer"), "wine");

    @TempDir
    Path temporary;

    @Test
    @SuppressWarnings("try") // closing may be interrupted
    void theModelIsReplacedWhileTheJobRuns() throws Exception {
        Path models = Files.createDirectory(temporary.resolve("models"));
        copy(WINE.resolve("models/1"), models.resolve("1"));
        copy(WINE.resolve("better"), temporary.resolve("better"));
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(1);
        SingleOutputStreamOperator<Scored<Wine>> judged = WineJob.judged(
                WineJob.wines(env, WINE.resolve("wine.csv"), 10_000_000, 1_000), models.toString(), Duration.ofMillis(10));
        try (CloseableIterator<Accuracy> accuracies = judged.getSideOutput(Judge.ACCURACY).collectAsync();
                CloseableIterator<Wrong> wrongs = judged.getSideOutput(Judge.WRONG).collectAsync()) {
            env.executeAsync();
            List<Accuracy> first = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                first.add(accuracies.next());
            }
            Files.move(temporary.resolve("better"), models.resolve("2"));
            Accuracy next;
            do {
                next = accuracies.next();
            } while (next.model == 1 && next.records < 100_000);
            List<Accuracy> second = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                second.add(accuracies.next());
            }
            check(first, 1, 0);
            check(second, 2, 0.9);
            assertTrue(mean(first) < mean(second) - 0.2, mean(first) + " " + mean(second));
            wrongOnesAreThoseThatAreNotRight(first, wrongs);
        }
    }

    private static void check(List<Accuracy> accuracies, long model, double atLeast) {
        for (int i = 0; i < accuracies.size(); i++) {
            assertEquals(accuracies.get(0).records + 10L * i, accuracies.get(i).records);
            assertEquals(model, accuracies.get(i).model);
        }
        assertTrue(mean(accuracies) >= atLeast, "model " + model + ": " + mean(accuracies));
    }

    private static double mean(List<Accuracy> accuracies) {
        return accuracies.stream().mapToDouble(one -> one.accuracy).average().orElseThrow();
    }

    private static void wrongOnesAreThoseThatAreNotRight(List<Accuracy> accuracies, CloseableIterator<Wrong> wrongs) {
        long expected = Math.round(accuracies.stream().mapToDouble(one -> 10 * (1 - one.accuracy)).sum());
        assertTrue(expected > 0);
        for (long i = 0; i < expected; i++) {
            Wrong wrong = wrongs.next();
            assertNotEquals(wrong.wine.kind, wrong.predicted);
            assertEquals(1, wrong.model);
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
    }
}
