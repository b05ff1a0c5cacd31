package dev.streamgrad.flink.bench;

import dev.streamgrad.flink.Scored;
import dev.streamgrad.flink.Streamgrad;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.stream.IntStream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * From a record's birth to its prediction, on a slow stream: 50 records a second, maxDelay 5 ms, everything chained.
 * {@code EmissionLatency BUNDLE [SECONDS]}
 */
public final class EmissionLatency {
    private static final int PER_SECOND = 50;
    /** Until the JIT has seen every path. */
    private static final int WARM_UP = 5 * PER_SECOND;

    private static final AtomicLongArray NANOS = new AtomicLongArray(1 << 20);
    private static final AtomicInteger COUNT = new AtomicInteger();

    private EmissionLatency() {}

    /**
     * Measures.
     *
     * @param arguments the small bundle; how many seconds, 40 unless said
     * @throws Exception what went wrong
     */
    public static void main(String[] arguments) throws Exception {
        int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 40;
        Configuration configuration = new Configuration();
        configuration.set(PipelineOptions.OBJECT_REUSE, true);
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
        var records = env.fromSource(
                new DataGeneratorSource<>(
                        Numbers::of,
                        WARM_UP + (long) PER_SECOND * seconds,
                        RateLimiterStrategy.perSecond(PER_SECOND),
                        Numbers.TYPE),
                WatermarkStrategy.noWatermarks(),
                "numbers");
        Streamgrad.learn(records, arguments[0])
                .batchRows(32)
                .maxDelay(Duration.ofMillis(5))
                .apply()
                .map(EmissionLatency::arrived, Types.LONG)
                .sinkTo(new DiscardingSink<>());
        env.execute("emission latency");
        double[] millis = IntStream.range(WARM_UP, COUNT.get())
                .mapToDouble(i -> NANOS.get(i) / 1e6)
                .sorted()
                .toArray();
        Numbers.print("flink emission latency, maxDelay 5 ms, 50 rows/s, chained: median", at(millis, 0.50), "ms", "<= 8");
        Numbers.print("flink emission latency, maxDelay 5 ms, 50 rows/s, chained: p99", at(millis, 0.99), "ms", "<= 30");
    }

    private static long arrived(Scored<Numbers> scored) {
        long nanos = System.nanoTime() - scored.record().born;
        NANOS.set(COUNT.getAndIncrement(), nanos);
        return nanos;
    }

    private static double at(double[] sorted, double quantile) {
        return sorted[(int) Math.ceil(quantile * sorted.length) - 1];
    }
}
