package dev.streamgrad.flink.bench;

import dev.streamgrad.flink.Streamgrad;
import java.util.concurrent.atomic.AtomicLongArray;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * Rows a second of a job that learns each row in batches of 32, beside the same job with an identity map; one subtask,
 * all chained, objects re-used. {@code JobThroughput BUNDLE [ROWS]}
 */
public final class JobThroughput {
    /** When the job had warmed up, and when it was done, {@code System.nanoTime}. */
    private static final AtomicLongArray TIMES = new AtomicLongArray(2);

    private JobThroughput() {}

    /**
     * Measures.
     *
     * @param arguments the small bundle; how many rows, two million unless said
     * @throws Exception what went wrong
     */
    public static void main(String[] arguments) throws Exception {
        long rows = arguments.length > 1 ? Long.parseLong(arguments[1]) : 2_000_000;
        double learned = run(rows, arguments[0]);
        double identity = run(rows, null);
        Numbers.print("flink job that learns, 13-32-32-3, batch 32", learned, "rows/s", null);
        Numbers.print("flink job with an identity map", identity, "rows/s", null);
        Numbers.print("flink job: what learning a row costs", 1e9 / learned - 1e9 / identity, "ns", null);
    }

    private static double run(long rows, String bundle) throws Exception {
        Configuration configuration = new Configuration();
        configuration.set(PipelineOptions.OBJECT_REUSE, true);
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
        DataStream<Numbers> records = env.fromSource(
                new DataGeneratorSource<>(Numbers::of, rows, Numbers.TYPE), WatermarkStrategy.noWatermarks(), "numbers");
        DataStream<Numbers> through = bundle == null
                ? records.map(record -> record).returns(Numbers.TYPE)
                : Streamgrad.learn(records, bundle).batchRows(32).withBatch().apply().map(scored -> scored.record(), Numbers.TYPE);
        long warm = rows / 5;
        through.map(new Clock(warm, rows), Types.LONG).sinkTo(new DiscardingSink<>());
        env.execute("throughput");
        return (rows - warm) * 1e9 / (TIMES.get(1) - TIMES.get(0));
    }

    private static final class Clock implements MapFunction<Numbers, Long> {
        private static final long serialVersionUID = 1L;

        private final long warm;
        private final long rows;
        private long seen;

        Clock(long warm, long rows) {
            this.warm = warm;
            this.rows = rows;
        }

        @Override
        public Long map(Numbers record) {
            seen++;
            if (seen == warm || seen == rows) {
                TIMES.set(seen == warm ? 0 : 1, System.nanoTime());
            }
            return seen;
        }
    }
}
