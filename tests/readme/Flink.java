import dev.streamgrad.Trainer;
import dev.streamgrad.flink.*;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessUtils;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Runs the jobs of the README on 96 flights, with its settings, and prints what came out where. */
public class Flink {
    public static class Flight {
        public float hour, distance, seats, wind;
        public Float late;
    }

    public static class Event {
        public int flightId;
        public long minute;
        public boolean landed;
        public float hour, distance, seats, wind, late;
    }

    static final Map<String, Integer> RECEIVED = new ConcurrentHashMap<>();

    record Counting<T>(String name) implements Sink<T> {
        @Override
        public SinkWriter<T> createWriter(WriterInitContext context) {
            return new SinkWriter<>() {
                @Override
                public void write(T element, Context context) {
                    RECEIVED.merge(name, 1, Integer::sum);
                }

                @Override
                public void flush(boolean endOfInput) {}

                @Override
                public void close() {}
            };
        }
    }

    static List<Flight> flights(int count) {
        List<Flight> list = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Flight flight = new Flight();
            flight.hour = i * 19 % 100 / 100f;
            flight.distance = i * 37 % 100 / 100f;
            flight.seats = i * 53 % 100 / 100f;
            flight.wind = i == 7 ? Float.NaN : i * 71 % 100 / 100f;
            flight.late = i % 3 == 0 ? 1f : 0f;
            list.add(flight);
        }
        return list;
    }

    static void learn(StreamExecutionEnvironment env) throws Exception {
        DataStream<Flight> flights = env.fromData(flights(96));
        Sink<Scored<Flight>> alerts = new Counting<>("alerts");
        Sink<StepReport> dashboard = new Counting<>("reports");
        Sink<Refused> deadLetters = new Counting<>("refused");
        /* README: learn */
        scored.sinkTo(new Counting<>("scored"));
        env.execute();
    }

    static void awaitLabels(StreamExecutionEnvironment env) throws Exception {
        List<Event> list = new ArrayList<>();
        for (int i = 0; i < 192; i++) {
            Event event = new Event();
            event.flightId = i % 96;
            event.minute = i;
            event.landed = i >= 96;
            event.late = i % 3 == 0 ? 1f : 0f;
            list.add(event);
        }
        WatermarkStrategy<Event> inOrder = WatermarkStrategy.<Event>forMonotonousTimestamps().withTimestampAssigner((e, t) -> e.minute * 60_000);
        DataStream<Event> events = env.fromData(list).assignTimestampsAndWatermarks(inOrder);
        /* README: await */
        scored.sinkTo(new Counting<>("awaited"));
        scored.getSideOutput(Streamgrad.REPORTS).sinkTo(new Counting<>("awaited reports"));
        env.execute();
    }

    static void predict(StreamExecutionEnvironment env) throws Exception {
        String saved;
        try (Trainer trainer = Trainer.open(Path.of("flights.bundle"), Path.of("model"))) {
            saved = Long.toString(trainer.save().number());
        }
        List<Flight> list = flights(96);
        list.remove(7); // its wind is no number, and a map has no side output
        DataStream<Flight> flights = env.fromData(list);
        DataStream<String> messages = env.fromData(saved, "99");
        Sink<Refused> rejected = new Counting<>("rejected");
        /* README: predict */
        scored.sinkTo(new Counting<>("followed"));
        steered.sinkTo(new Counting<>("steered"));
        env.execute();
    }

    public static void main(String[] args) throws Exception {
        Configuration settings = GlobalConfiguration.loadConfiguration(Path.of("conf").toAbsolutePath().toString());
        TaskExecutorProcessUtils.processSpecFromConfig(settings); // refuses sizes that do not fit together
        for (String job : new String[] {"learn", "await", "predict"}) {
            StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
            env.configure(settings);
            env.setParallelism(1);
            switch (job) {
                case "learn" -> learn(env);
                case "await" -> awaitLabels(env);
                default -> predict(env);
            }
        }
        RECEIVED.remove("alerts");
        System.out.println(new java.util.TreeMap<>(RECEIVED));
    }
}
