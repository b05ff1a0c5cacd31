package dev.streamgrad.examples.flights;

import dev.streamgrad.StreamgradException;
import dev.streamgrad.flink.Streamgrad;
import dev.streamgrad.flink.TrainerAction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.runtime.client.JobExecutionException;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.ExceptionUtils;

/**
 * A Flink job that learns which flights will be late, with several models in one pass. Each flight of 2013 is predicted at
 * its scheduled departure, by the model of that minute, and learned when it lands; the prediction made at departure is the
 * one that counts.
 *
 * <p>{@code java -jar streamgrad-examples.jar events.csv folder-for-results numbers.bundle tables.bundle days.bundle}, or
 * {@code make demo}. The last bundle is the demo's model, the others are there to compare it with.
 */
public final class FlightsDemo {
    /** A label that comes later than this is not waited for; the longest flight of the year took 33 hours to land. */
    private static final Duration LIMIT = Duration.ofHours(48);

    private FlightsDemo() {}

    /** Departures and landings, in the order of the file. */
    static DataStream<FlightEvent> events(StreamExecutionEnvironment env, Path file) {
        return env.fromSource(
                        FlightEvent.source(file.toString()), FlightEvent.watermarks(), "departures and landings")
                .uid("flights");
    }

    /** The job: departures and landings in, what became of each flight out. At the end something is done with each model. */
    static DataStream<Outcome> outcomes(DataStream<FlightEvent> events, Map<Path, TrainerAction> bundles) {
        // Each flight at its departure, without a label; again when its landing brings the label.
        var examples = Streamgrad.awaitLabels(events, event -> event.row)
                .label(event -> event.late)
                .onTime(LIMIT)
                .uid("await-landing")
                .apply();

        // The first is only predicted, the second is learned: one model, one operator.
        List<DataStream<Prediction>> predictions = new ArrayList<>();
        bundles.forEach((bundle, atEnd) -> {
            int model = predictions.size();
            predictions.add(Streamgrad.learn(examples, bundle.toString())
                    .batchRows(32)
                    .withBatch()
                    .atEnd(atEnd)
                    .uid("learn-" + name(bundle))
                    .apply()
                    .map(scored -> Prediction.of(model, scored))
                    .returns(Prediction.class)
                    .name("prediction of " + name(bundle)));
        });

        return predictions.stream()
                .reduce(DataStream::union)
                .orElseThrow()
                .keyBy(prediction -> prediction.row)
                .process(new JoinAtLanding(predictions.size(), LIMIT))
                .name("join at landing")
                .uid("join-at-landing");
    }

    /** What a bundle's model is called. */
    static String name(Path bundle) {
        return bundle.getFileName().toString().replace(".bundle", "");
    }

    /**
     * Runs the job inside this JVM and says how it goes.
     *
     * @param arguments the stream, the folder for results, and the bundles
     * @throws Exception what went wrong
     */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 3) {
            System.err.println("usage: FlightsDemo events.csv folder-for-results bundle...; make demo prepares all");
            System.exit(2);
        }
        Path events = Path.of(arguments[0]).toAbsolutePath();
        Path results = Files.createDirectories(Path.of(arguments[1]).toAbsolutePath());
        List<Path> bundles =
                Stream.of(arguments).skip(2).map(name -> Path.of(name).toAbsolutePath()).collect(Collectors.toList());

        // Results of an earlier run would pass for this one's if it failed.
        for (String file : List.of("predictions.csv", "summary.json", "parameters.safetensors", "learning-curve.png")) {
            Files.deleteIfExists(results.resolve(file));
        }

        Configuration configuration = new Configuration();
        configuration.set(PipelineOptions.OBJECT_REUSE, true);
        // What TensorFlow takes beside the heap; in a cluster it has to be planned for.
        configuration.set(TaskManagerOptions.TASK_OFF_HEAP_MEMORY, MemorySize.ofMebiBytes(1024));
        var env = StreamExecutionEnvironment.createLocalEnvironment(1, configuration);

        Map<Path, TrainerAction> models = new LinkedHashMap<>();
        bundles.forEach(bundle -> models.put(bundle, trainer -> {}));
        String parameters = results.resolve("parameters.safetensors").toString();
        models.put(bundles.get(bundles.size() - 1), trainer -> ParametersFile.write(trainer, Path.of(parameters)));
        outcomes(events(env, events), models)
                .sinkTo(new Results(results, bundles, departures(events)))
                .name("results")
                .uid("results");
        try {
            env.execute("flights of 2013");
        } catch (JobExecutionException e) {
            // Streamgrad says in one line what to do; Flink's thirty lines around it do not help a newcomer.
            StreamgradException reason =
                    ExceptionUtils.findThrowable(e, StreamgradException.class).orElseThrow(() -> e);
            System.err.println("the job failed: " + reason.getMessage());
            System.exit(1);
        }
    }

    /** How many there are in the file, for the progress bar: the lines with features. */
    private static int departures(Path events) throws IOException {
        try (Stream<String> lines = Files.lines(events)) {
            return (int) lines.skip(1).filter(line -> !line.endsWith(",")).count();
        }
    }
}
