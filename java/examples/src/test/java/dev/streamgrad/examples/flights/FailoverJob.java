package dev.streamgrad.examples.flights;

import dev.streamgrad.Trainer;
import dev.streamgrad.flink.TrainerAction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;

/**
 * The demo's job with an exactly-once sink, for the tests that disturb it.
 *
 * <p>In a folder it leaves {@code scored/}, whose committed files have one line a flight, and at its end
 * each model's {@code .safetensors} and {@code .counters}. A cluster gets it by {@code flink run job.jar events.csv
 * folder bundle...}.
 */
public final class FailoverJob {
    private FailoverJob() {}

    /**
     * Submits the job.
     *
     * @param arguments see above
     * @throws Exception what went wrong
     */
    public static void main(String[] arguments) throws Exception {
        var env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(1);
        build(env, Path.of(arguments[0]), Path.of(arguments[1]), bundles(arguments, 2));
        env.execute("flights");
    }

    /** The bundles among the arguments, from a place on. */
    static List<Path> bundles(String[] arguments, int from) {
        return Stream.of(arguments).skip(from).map(name -> Path.of(name).toAbsolutePath()).collect(Collectors.toList());
    }

    static void build(StreamExecutionEnvironment env, Path events, Path results, List<Path> bundles) {
        String folder = results.toString();
        var sabotaged = FlightsDemo.events(env, events)
                .map(new Sabotage<FlightEvent>("before", event -> event.row))
                .returns(TypeInformation.of(FlightEvent.class));
        Map<Path, TrainerAction> models = new LinkedHashMap<>();
        for (Path bundle : bundles) {
            String name = FlightsDemo.name(bundle);
            models.put(bundle, trainer -> write(trainer, Path.of(folder), name));
        }
        FlightsDemo.outcomes(sabotaged, models)
                .map(new Sabotage<Outcome>("behind", outcome -> outcome.row))
                .returns(TypeInformation.of(Outcome.class))
                .map(outcome -> outcome.row + "," + Arrays.toString(outcome.atDeparture) + ","
                        + Arrays.toString(outcome.atLanding) + "," + outcome.late)
                .returns(Types.STRING)
                .sinkTo(FileSink.forRowFormat(
                                new org.apache.flink.core.fs.Path(
                                        results.resolve("scored").toUri()),
                                new SimpleStringEncoder<String>())
                        .withRollingPolicy(OnCheckpointRollingPolicy.build())
                        .build())
                .uid("scored");
    }

    private static void write(Trainer trainer, Path folder, String name) throws IOException {
        Files.createDirectories(folder);
        ParametersFile.write(trainer, folder.resolve(name + ".safetensors"));
        var metrics = trainer.metrics();
        String counters = "version " + trainer.version() + ", " + metrics + ", loss of the window " + metrics.window("loss");
        Files.writeString(folder.resolve(name + ".counters"), counters);
    }
}
