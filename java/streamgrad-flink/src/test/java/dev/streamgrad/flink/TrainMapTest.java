package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.Batch;
import dev.streamgrad.Trainer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.functions.windowing.AllWindowFunction;
import org.apache.flink.streaming.api.windowing.windows.GlobalWindow;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.Collector;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A count window is a batch. */
final class TrainMapTest {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = Cluster.start();

    /** A window's records as a list. */
    static final class ToList implements AllWindowFunction<Flight, List<Flight>, GlobalWindow> {
        private static final long serialVersionUID = 1L;

        @Override
        public void apply(GlobalWindow window, Iterable<Flight> flights, Collector<List<Flight>> out) {
            List<Flight> list = new ArrayList<>();
            flights.forEach(list::add);
            out.collect(list);
        }
    }

    private static DataStream<List<Flight>> lists(DataStream<Flight> flights) {
        return flights.countWindowAll(8).apply(new ToList(), Types.LIST(Cluster.FLIGHT));
    }

    @Test
    void learnsAsTheTrainerDoes() throws Exception {
        List<StepReport> reports = Cluster.collect(
                lists(Cluster.flights(Cluster.environment(), 80)).map(new TrainMap<>(Bundles.flights(), Cluster.FLIGHT)));
        assertEquals(10, reports.size());
        try (Trainer trainer = Trainer.open(Path.of(Bundles.flights()))) {
            Batch batch = trainer.newBatch(8);
            float[] expected = new float[10];
            for (int step = 0; step < 10; step++) {
                batch.clear();
                for (Flight f : LongStream.range(8 * step, 8 * step + 8).mapToObj(Flight::landed).collect(Collectors.toList())) {
                    batch.add(row -> row.set("hour", f.hour)
                            .set("distance", f.distance)
                            .set("seats", f.seats)
                            .set("wind", f.wind)
                            .set("late", f.late));
                }
                expected[step] = trainer.step(batch).loss();
            }
            float[] losses = new float[10];
            for (int step = 0; step < 10; step++) {
                losses[step] = reports.get(step).loss();
            }
            assertArrayEquals(expected, losses);
        }
        assertTrue(reports.get(9).metric("auc") > 0);
        assertThrows(IllegalArgumentException.class, () -> reports.get(0).metric("accuracy"));
    }

    private static float[] losses(TrainMap<Flight> train) throws Exception {
        List<StepReport> reports = Cluster.collect(lists(Cluster.flights(Cluster.environment(), 80)).map(train));
        return new float[] {reports.get(0).loss(), reports.get(9).loss()};
    }

    @Test
    void theTrainersOptionsReachIt() throws Exception {
        float[] bundled = losses(new TrainMap<>(Bundles.flights(), Cluster.FLIGHT));
        float[] faster = losses(new TrainMap<>(Bundles.flights(), Cluster.FLIGHT).trainer(o -> o.learningRate(0.5)));
        assertEquals(bundled[0], faster[0]);
        assertNotEquals(bundled[1], faster[1]);
    }

    @Test
    void aRecordWithoutLabelFailsTheJob() {
        DataStream<Flight> departing = Cluster.flights(Cluster.environment(), 8)
                .map(flight -> Flight.departing(flight.id))
                .returns(Cluster.FLIGHT);
        Exception failure =
                Cluster.failure(lists(departing).map(new TrainMap<>(Bundles.flights(), Cluster.FLIGHT)));
        assertTrue(ExceptionUtils.findThrowableWithMessage(failure, "row without label").isPresent());
    }
}
