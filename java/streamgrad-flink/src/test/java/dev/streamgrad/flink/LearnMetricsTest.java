package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Metric;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a reporter of the cluster sees of a learner and a wait. */
final class LearnMetricsTest {
    private static final InMemoryReporter REPORTER = InMemoryReporter.createWithRetainedMetrics();

    @RegisterExtension
    static final MiniClusterExtension CLUSTER =
            new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
                    .setConfiguration(REPORTER.addToConfiguration(new Configuration()))
                    .build());

    private static long count(Map<String, Metric> metrics, String name) {
        return ((Counter) metrics.get(name)).getCount();
    }

    private static double gauge(Map<String, Metric> metrics, String name) {
        return ((Number) ((Gauge<?>) metrics.get(name)).getValue()).doubleValue();
    }

    @Test
    void theLearnersGroupCountsRowsStepsAndRefusals() throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        DataStream<Flight> flights = Cluster.flights(env, 100)
                .map(flight -> {
                    flight.wind = flight.id == 50 ? null : flight.wind;
                    return flight.id < 10 ? Flight.departing(flight.id) : flight;
                })
                .returns(Cluster.FLIGHT);
        Streamgrad.learn(flights, Bundles.flights()).name("learner").apply().sinkTo(new DiscardingSink<>());
        Map<String, Metric> metrics = REPORTER.getMetricsByIdentifiers(env.execute().getJobID()).entrySet().stream()
                .filter(entry -> entry.getKey().contains(".learner.") && entry.getKey().contains(".streamgrad."))
                .collect(Collectors.toMap(
                        entry -> entry.getKey().replaceAll(".*\\.streamgrad\\.", ""), Map.Entry::getValue));
        assertEquals(89, count(metrics, "rows"));
        assertEquals(3, count(metrics, "steps"));
        assertEquals(99, count(metrics, "predictions"));
        assertEquals(1, count(metrics, "refused"));
        assertEquals(0, count(metrics, "quarantined"));
        assertEquals(0, count(metrics, "skipped"));
        assertTrue(gauge(metrics, "loss") > 0);
        assertTrue(gauge(metrics, "stepTime") > 0);
        assertTrue(gauge(metrics, "version") >= 3);
        assertTrue(gauge(metrics, "nativeBytes") > 0);
    }

    @Test
    void theLearnersGroupCountsTheRecordsOfRefusedBatches() throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        DataStream<Flight> flights = Cluster.flights(env, 100)
                .map(flight -> {
                    flight.distance = flight.id == 50 ? 3e38f : flight.distance;
                    return flight;
                })
                .returns(Cluster.FLIGHT);
        Streamgrad.learn(flights, Bundles.delays()).batchRows(8).name("poisoned").apply().sinkTo(new DiscardingSink<>());
        Map<String, Metric> metrics = REPORTER.getMetricsByIdentifiers(env.execute().getJobID()).entrySet().stream()
                .filter(entry -> entry.getKey().contains(".poisoned.") && entry.getKey().contains(".streamgrad."))
                .collect(Collectors.toMap(
                        entry -> entry.getKey().replaceAll(".*\\.streamgrad\\.", ""), Map.Entry::getValue));
        assertEquals(8, count(metrics, "quarantined"));
        assertEquals(92, count(metrics, "rows"));
        assertEquals(100, count(metrics, "predictions"));
        assertEquals(0, count(metrics, "refused"));
    }

    @Test
    void theLearnersGroupTellsOfItsCheckpoints() throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        env.enableCheckpointing(20);
        Streamgrad.learn(Cluster.flights(env, 5_000, 10_000), Bundles.flights())
                .name("checkpointed")
                .apply()
                .sinkTo(new DiscardingSink<>());
        Map<String, Metric> metrics = REPORTER.getMetricsByIdentifiers(env.execute().getJobID()).entrySet().stream()
                .filter(entry -> entry.getKey().contains(".checkpointed.") && entry.getKey().contains(".streamgrad."))
                .collect(Collectors.toMap(
                        entry -> entry.getKey().replaceAll(".*\\.streamgrad\\.", ""), Map.Entry::getValue));
        assertEquals(0, gauge(metrics, "checkpointPins"), "all were written");
        assertTrue(gauge(metrics, "checkpointBytes") > 1_000);
        assertTrue(gauge(metrics, "checkpointTime") >= 0);
    }

    @Test
    void theWaitsGroupCountsWhatItCouldNotPair() throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        DataStream<Flight> flights =
                Cluster.flights(env, 10).map(flight -> Flight.departing(flight.id)).returns(Cluster.FLIGHT);
        Streamgrad.awaitLabels(flights, flight -> flight.id)
                .label(flight -> flight.late)
                .onTime(Duration.ofHours(1))
                .name("wait")
                .apply()
                .sinkTo(new DiscardingSink<>());
        Map<String, Metric> metrics = REPORTER.getMetricsByIdentifiers(env.execute().getJobID()).entrySet().stream()
                .filter(entry -> entry.getKey().contains(".wait.") && entry.getKey().contains(".streamgrad."))
                .collect(Collectors.toMap(
                        entry -> entry.getKey().replaceAll(".*\\.streamgrad\\.", ""), Map.Entry::getValue));
        assertEquals(10, count(metrics, "records"));
        assertEquals(10, count(metrics, "expired"));
        assertEquals(0, count(metrics, "labels"));
    }
}
