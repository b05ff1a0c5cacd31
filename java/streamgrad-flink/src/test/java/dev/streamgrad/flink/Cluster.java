package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;

/** What the tests of whole jobs share: a cluster in this process, an ordered source, and an exactly-once end. */
final class Cluster {
    static final TypeInformation<Flight> FLIGHT = TypeInformation.of(Flight.class);

    private Cluster() {}

    static MiniClusterExtension start() {
        return new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
                .setNumberTaskManagers(1)
                .setNumberSlotsPerTaskManager(4)
                .build());
    }

    static StreamExecutionEnvironment environment() {
        return environment(new Configuration());
    }

    static StreamExecutionEnvironment environment(Configuration configuration) {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        env.setParallelism(1);
        return env;
    }

    /** A job that is restarted after each of its failures. */
    static StreamExecutionEnvironment restarting(long checkpointMillis) {
        Configuration configuration = new Configuration();
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 20);
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(10));
        StreamExecutionEnvironment env = environment(configuration);
        env.getConfig().enableObjectReuse();
        if (checkpointMillis > 0) {
            env.enableCheckpointing(checkpointMillis);
        }
        return env;
    }

    /** Landed flights 0, 1, 2 ..., in order, their number as event time. */
    static DataStream<Flight> flights(StreamExecutionEnvironment env, long count, double perSecond) {
        DataGeneratorSource<Flight> source =
                new DataGeneratorSource<>(Flight::landed, count, RateLimiterStrategy.perSecond(perSecond), FLIGHT);
        return env.fromSource(
                        source,
                        WatermarkStrategy.<Flight>forMonotonousTimestamps().withTimestampAssigner((flight, time) -> flight.id),
                        "flights")
                .uid("flights");
    }

    static DataStream<Flight> flights(StreamExecutionEnvironment env, long count) {
        return flights(env, count, 1e9);
    }

    /** Runs the job; what it collects it collects exactly once. */
    @SuppressWarnings("try") // closing may be interrupted
    static <T> List<T> collect(DataStream<T> stream) throws Exception {
        List<T> all = new ArrayList<>();
        try (CloseableIterator<T> results = stream.executeAndCollect()) {
            results.forEachRemaining(all::add);
        }
        return all;
    }

    /**
     * Why the job fails, which it must. Without Flink's collecting sink: cancelled before it is open, that one takes its
     * TaskManager with it (a NullPointerException in CollectSinkFunction.accumulateFinalResults).
     */
    static Exception failure(DataStream<?> stream) {
        stream.sinkTo(new DiscardingSink<>());
        return assertThrows(Exception.class, () -> stream.getExecutionEnvironment().execute());
    }
}
