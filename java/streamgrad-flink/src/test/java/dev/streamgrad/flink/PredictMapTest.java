package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.Batch;
import dev.streamgrad.Trainer;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Predictions without learning, by the bundle's parameters or by those that a learner shares. */
final class PredictMapTest {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = Cluster.start();

    @Test
    void predictsAsTheTrainerDoes() throws Exception {
        List<Scored<Flight>> scored = Cluster.collect(Cluster.flights(Cluster.environment(), 50)
                .map(new PredictMap<>(Bundles.flights(), Cluster.FLIGHT)));
        try (Trainer trainer = Trainer.open(Path.of(Bundles.flights()))) {
            Batch batch = trainer.newBatch(1);
            for (Scored<Flight> one : scored) {
                Flight f = one.record();
                batch.clear();
                batch.add(row -> row.set("hour", f.hour)
                        .set("distance", f.distance)
                        .set("seats", f.seats)
                        .set("wind", f.wind));
                assertEquals(trainer.predict(batch).value(0), one.prediction());
            }
        }
        assertEquals(
                LongStream.range(0, 50).boxed().collect(Collectors.toList()),
                scored.stream().map(s -> s.record().id).collect(Collectors.toList()));
    }

    @Test
    void severalOutputsAreTakenByName() throws Exception {
        TypeInformation<FieldEncoderTest.Outcome> type = TypeInformation.of(FieldEncoderTest.Outcome.class);
        StreamExecutionEnvironment env = Cluster.environment();
        List<Scored<FieldEncoderTest.Outcome>> scored =
                Cluster.collect(env.fromData(type, new FieldEncoderTest.Outcome()).map(new PredictMap<>(Bundles.outcomes(), type)));
        assertEquals(List.of("gate", "late"), scored.get(0).outputs());
        float[] gate = scored.get(0).output("gate");
        assertEquals(1, gate[0] + gate[1] + gate[2], 1e-5, "a softmax");
        assertThrows(IllegalStateException.class, () -> scored.get(0).prediction());
    }

    @Test
    void seesWhatALearnerOfTheSameNameLearns() throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        DataStream<Flight> flights = Cluster.flights(env, 3_200);
        DataStream<Long> versions = Streamgrad.learn(flights, Bundles.flights())
                .shared("lateness")
                .apply()
                .map(Scored::record)
                .returns(Cluster.FLIGHT)
                .map(new PredictMap<>(Bundles.flights(), Cluster.FLIGHT).shared("lateness"))
                .map(Scored::version, Types.LONG);
        List<Long> seen = Cluster.collect(versions);
        assertEquals(3_200, seen.size());
        assertTrue(seen.stream().distinct().count() > 50, "it moves on while the other learns");
        assertEquals(0, SharedTrainers.size());
    }

    @Test
    void oneNameStandsForOneBundle() {
        StreamExecutionEnvironment env = Cluster.environment();
        DataStream<Scored<Flight>> clash = Cluster.flights(env, 10)
                .map(new PredictMap<>(Bundles.flights(), Cluster.FLIGHT).shared("one"))
                .map(Scored::record)
                .returns(Cluster.FLIGHT)
                .map(new PredictMap<>(Bundles.delays(), Cluster.FLIGHT).shared("one"));
        Exception failure = Cluster.failure(clash);
        assertTrue(ExceptionUtils.findThrowableWithMessage(failure, "one name stands for one bundle").isPresent());
        assertEquals(0, SharedTrainers.size());
    }

    @Test
    void aRecordThatCannotBeEncodedFailsTheJobByItsField() {
        DataStream<Scored<Flight>> scored = Cluster.flights(Cluster.environment(), 10)
                .map(flight -> {
                    flight.wind = null;
                    return flight;
                })
                .returns(Cluster.FLIGHT)
                .map(new PredictMap<>(Bundles.flights(), Cluster.FLIGHT));
        Exception failure = Cluster.failure(scored);
        assertTrue(ExceptionUtils.findThrowableWithMessage(failure, "not null: wind").isPresent());
    }

    @Test
    void anEncoderServesRecordsOfAnyShape() throws Exception {
        Encoder<Long> encoder = (number, row) ->
                row.set("hour", number / 24.0).set("distance", 0.5).set("seats", 1).set("wind", 0.5);
        List<Scored<Long>> scored = Cluster.collect(Cluster.environment()
                .fromSequence(0, 9)
                .map(new PredictMap<>(Bundles.flights(), Types.LONG).encoder(encoder)));
        assertEquals(10, scored.stream().map(Scored::prediction).distinct().count());
        assertArrayEquals(
                new long[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, scored.stream().mapToLong(Scored::record).toArray());
    }
}
