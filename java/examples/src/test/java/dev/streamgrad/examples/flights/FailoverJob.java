package dev.streamgrad.examples.flights;

import dev.streamgrad.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
 * {@code parameters.safetensors} and {@code counters}. A cluster gets it by {@code flink run job.jar events.csv
 * flights.bundle folder}.
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
        build(env, Path.of(arguments[0]), Path.of(arguments[1]), Path.of(arguments[2]));
        env.execute("flights");
    }

    static void build(StreamExecutionEnvironment env, Path events, Path bundle, Path results) {
        String folder = results.toString();
        var sabotaged = FlightsDemo.events(env, events)
                .map(new Sabotage<FlightEvent>("before", event -> event.row))
                .returns(TypeInformation.of(FlightEvent.class));
        FlightsDemo.outcomes(sabotaged, bundle.toString(), trainer -> write(trainer, Path.of(folder)))
                .map(new Sabotage<Outcome>("behind", outcome -> outcome.row))
                .returns(TypeInformation.of(Outcome.class))
                .map(outcome -> outcome.row + "," + outcome.atDeparture + "," + outcome.atLanding + "," + outcome.late)
                .returns(Types.STRING)
                .sinkTo(FileSink.forRowFormat(
                                new org.apache.flink.core.fs.Path(
                                        results.resolve("scored").toUri()),
                                new SimpleStringEncoder<String>())
                        .withRollingPolicy(OnCheckpointRollingPolicy.build())
                        .build())
                .uid("scored");
    }

    private static void write(Trainer trainer, Path folder) throws IOException {
        Files.createDirectories(folder);
        ParametersFile.write(trainer, folder.resolve("parameters.safetensors"));
        var metrics = trainer.metrics();
        String counters = "version " + trainer.version() + ", " + metrics + ", loss of the window " + metrics.window("loss");
        Files.writeString(folder.resolve("counters"), counters);
    }
}
