package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.VersionId;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Metric;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** A job predicts by what others save or export while it runs. */
final class PredictFollowTest {
    private static final InMemoryReporter REPORTER = InMemoryReporter.createWithRetainedMetrics();
    private static final Duration OFTEN = Duration.ofMillis(10);

    @RegisterExtension
    static final MiniClusterExtension CLUSTER =
            new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
                    .setConfiguration(REPORTER.addToConfiguration(new Configuration()))
                    .setNumberSlotsPerTaskManager(2)
                    .build());

    @TempDir
    Path temporary;

    /** Flights for longer than a test takes: closing the results cancels the job. */
    private static DataStream<Scored<Flight>> scored(PredictMap<Flight> predict, int parallelism) {
        return Cluster.flights(Cluster.environment(), 10_000_000, 2_000)
                .rebalance()
                .map(predict)
                .name("predictor")
                .setParallelism(parallelism);
    }

    private static PredictMap<Flight> predict() {
        return new PredictMap<>(Bundles.flights(), Cluster.FLIGHT).every(OFTEN);
    }

    /** Takes results until one is by this version, and a hundred more. */
    private static List<Scored<Flight>> until(VersionId version, Iterator<Scored<Flight>> results) {
        List<Scored<Flight>> taken = new ArrayList<>();
        do {
            assertTrue(taken.size() < 100_000, "waited in vain for " + version);
            taken.add(results.next());
        } while (!taken.get(taken.size() - 1).versionId().equals(version));
        for (int i = 0; i < 100; i++) {
            taken.add(results.next());
        }
        return taken;
    }

    private static Set<VersionId> versions(List<Scored<Flight>> scored) {
        return scored.stream().map(Scored::versionId).collect(Collectors.toSet());
    }

    @Test
    @SuppressWarnings("try") // closing may be interrupted
    void aFolderIsFollowedAndABrokenSnapshotRefused() throws Exception {
        Saving saving = new Saving(temporary.resolve("model"));
        DataStream<Scored<Flight>> scored = scored(predict().follow(saving.folder.toString()), 1);
        try (saving;
                CloseableIterator<Scored<Flight>> results = scored.collectAsync()) {
            JobID job = scored.getExecutionEnvironment().executeAsync().getJobID();
            List<Scored<Flight>> all = new ArrayList<>();
            VersionId last = null;
            for (int i = 0; i < 4; i++) {
                last = saving.save();
                List<Scored<Flight>> taken = until(last, results);
                assertTrue(versions(taken).size() <= 2, "from the one before to this one");
                all.addAll(taken);
            }
            VersionId forged = saving.forge();
            for (int i = 0; i < 400; i++) {
                Scored<Flight> one = results.next();
                assertEquals(last, one.versionId());
                all.add(one);
            }
            saving.remove(forged);
            VersionId next = saving.save();
            all.addAll(until(next, results));
            assertTrue(versions(all).size() >= 5 && !versions(all).contains(forged));
            for (VersionId version : versions(all)) {
                List<Scored<Flight>> by =
                        all.stream().filter(one -> one.versionId().equals(version)).collect(Collectors.toList());
                for (Scored<Flight> one : List.of(by.get(0), by.get(by.size() / 2), by.get(by.size() - 1))) {
                    assertEquals(saving.prediction(version, one.record()), one.prediction());
                }
            }
            for (int i = 1; i < all.size(); i++) {
                assertEquals(all.get(i - 1).record().id + 1, all.get(i).record().id, "no record is lost or repeated");
            }
            metricsSay(next, all.size(), job);
        }
    }

    private static void metricsSay(VersionId version, int predictions, JobID job) {
        Map<String, Metric> metrics = REPORTER.findMetrics(job, ".*predictor.*streamgrad.*");
        assertEquals(7, metrics.size(), metrics.toString());
        for (Map.Entry<String, Metric> metric : metrics.entrySet()) {
            String name = metric.getKey().replaceAll(".*\\.streamgrad\\.", "");
            Object value = metric.getValue() instanceof Counter
                    ? ((Counter) metric.getValue()).getCount()
                    : ((Gauge<?>) metric.getValue()).getValue();
            switch (name) {
                case "version":
                    assertEquals(version.number(), value);
                    break;
                case "versionId":
                    assertEquals(version.toString(), value);
                    break;
                case "age":
                    assertTrue((long) value >= 0 && (long) value < 600_000, value.toString());
                    break;
                case "swaps":
                    assertTrue((long) value >= 4, value.toString());
                    break;
                case "failures":
                case "refused":
                    assertEquals(0L, value, name);
                    break;
                case "predictions":
                    assertTrue((long) value >= predictions, value.toString());
                    break;
                default:
                    throw new AssertionError("an unknown metric: " + name);
            }
        }
    }

    @Test
    @SuppressWarnings("try") // closing may be interrupted
    void everySubtaskFollows() throws Exception {
        try (Saving saving = new Saving(temporary.resolve("model"))) {
            VersionId first = saving.save();
            try (CloseableIterator<Scored<Flight>> results =
                    scored(predict().follow(saving.folder.toString()), 2).executeAndCollect()) {
                assertEquals(Set.of(first), versions(until(first, results)), "it begins with what was saved");
                VersionId second = saving.save();
                int rounds = 0;
                while (!versions(until(second, results)).equals(Set.of(second))) {
                    assertTrue(++rounds < 500, "one of the subtasks does not follow");
                }
            }
        }
    }

    @Test
    @SuppressWarnings("try") // closing may be interrupted
    void numberedBundlesAreFollowed() throws Exception {
        Path bundles = temporary.resolve("bundles");
        Saving.copy(Path.of(Bundles.flights()), bundles.resolve("1"));
        PredictMap<Flight> predict = PredictMap.numbered(bundles.toString(), Cluster.FLIGHT).every(OFTEN);
        try (CloseableIterator<Scored<Flight>> results = scored(predict, 1).executeAndCollect()) {
            Scored<Flight> first = results.next();
            assertEquals(1, first.version());
            Saving.copy(Path.of(Bundles.retrained()), bundles.resolve("new"));
            Files.move(bundles.resolve("new"), bundles.resolve("2"));
            Scored<Flight> second;
            do {
                second = results.next();
            } while (second.version() == 1);
            assertEquals(2, second.version());
            assertNotEquals(first.versionId().lineage(), second.versionId().lineage());
        }
    }

    @Test
    void whatCannotBeFollowedFailsTheJobWithTheReason() throws Exception {
        Path empty = Files.createDirectory(temporary.resolve("empty"));
        failsNaming("the folder of a store", predict().follow(empty.toString()));
        failsNaming("has no bundle", PredictMap.numbered(empty.toString(), Cluster.FLIGHT));
        failsNaming("nowhere", PredictMap.numbered(empty.resolve("nowhere").toString(), Cluster.FLIGHT));
        try (Saving saving = new Saving(temporary.resolve("model"))) {
            saving.save();
            failsNaming(
                    "another bundle",
                    new PredictMap<>(Bundles.delays(), Cluster.FLIGHT).follow(saving.folder.toString()));
        }
        assertThrows(IllegalArgumentException.class, () -> predict().follow("model").shared("lateness"));
        assertThrows(
                IllegalArgumentException.class, () -> PredictMap.numbered("model", Cluster.FLIGHT).follow("model"));
        assertThrows(IllegalArgumentException.class, () -> predict().every(Duration.ofMillis(-1)));
    }

    private static void failsNaming(String text, PredictMap<Flight> predict) {
        Exception failure = Cluster.failure(scored(predict, 1));
        assertTrue(ExceptionUtils.findThrowableWithMessage(failure, text).isPresent(), ExceptionUtils.stringifyException(failure));
    }
}
