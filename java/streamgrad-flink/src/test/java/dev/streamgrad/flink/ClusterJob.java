package dev.streamgrad.flink;

import java.io.Serializable;
import java.lang.ref.WeakReference;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/** The job that a cluster gets in a jar: it learns from a bundle in that jar, and counts what it did. */
public final class ClusterJob {
    private ClusterJob() {}

    /**
     * Submits the job: {@code flink run job.jar ROWS}.
     *
     * @param arguments how many rows
     * @throws Exception what went wrong
     */
    public static void main(String[] arguments) throws Exception {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        build(env, "classpath:flights.bundle", Long.parseLong(arguments[0]), "unused");
        env.execute("learn lateness");
    }

    /** Scores and learns flights; leaves a weak reference to its class loader in the system property {@code probe}. */
    static void build(StreamExecutionEnvironment env, String bundle, long rows, String probe) {
        env.setParallelism(1);
        DataStream<Flight> flights = env.fromSource(
                new DataGeneratorSource<>(Flight::landed, rows, TypeInformation.of(Flight.class)),
                WatermarkStrategy.noWatermarks(),
                "flights");
        SingleOutputStreamOperator<Scored<Flight>> scored = Streamgrad.learn(flights, bundle).uid("learn").apply();
        scored.map(new Count<>("scored", probe, s -> 1L), Types.LONG).sinkTo(new DiscardingSink<>());
        scored.getSideOutput(Streamgrad.REPORTS)
                .map(new Count<>("learned", probe, r -> (long) r.rows()), Types.LONG)
                .sinkTo(new DiscardingSink<>());
    }

    private interface Amount<T> extends Serializable {
        long of(T value);
    }

    private static final class Count<T> extends RichMapFunction<T, Long> {
        private static final long serialVersionUID = 1L;

        private final String name;
        private final String probe;
        private final Amount<T> amount;
        private transient LongCounter counter;

        Count(String name, String probe, Amount<T> amount) {
            this.name = name;
            this.probe = probe;
            this.amount = amount;
        }

        @Override
        public void open(OpenContext context) {
            counter = new LongCounter();
            getRuntimeContext().addAccumulator(name, counter);
            System.getProperties().put(probe, new WeakReference<>(Streamgrad.class.getClassLoader()));
        }

        @Override
        public Long map(T value) {
            counter.add(amount.of(value));
            return counter.getLocalValuePrimitive();
        }
    }
}
