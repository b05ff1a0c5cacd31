package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerTest {
    private final Recording mlp = Recording.of("mlp-sgd");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "mlp-sgd", "mlp-adam", "cnn-adagrad", "wide_deep-adagrad", "attention-sgd", "gru-sgd", "regularized-adagrad"
            })
    void lossesAndPredictionsAreThoseOfKeras(String name) {
        Recording recording = Recording.of(name);
        try (Trainer trainer = Trainer.open(recording.bundle)) {
            Batch batch = trainer.newBatch(Recording.ROWS + 3);
            Column output = trainer.schema().outputs().get(0);
            for (int step = 0; step < Recording.STEPS; step++) {
                recording.fill(batch, step);
                Report report = trainer.step(batch);
                float wanted = recording.loss(step);
                assertEquals(wanted, report.loss(), 1e-6f * (1 + Math.abs(wanted)), name + " step " + step);
                assertEquals(Recording.ROWS, report.rows());
                assertEquals(step, report.gradientVersion());
                assertEquals(step + 1, report.version());
                float[] predictions = recording.floats("prediction/" + step + "/" + output.name());
                // Adam moves parameters whose gradient is noise; predictions see them a little.
                float tolerance = name.endsWith("adam") ? 1e-4f : 4e-6f;
                for (int row = 0; row < report.rows(); row++) {
                    float[] made = report.predictions().row(row);
                    for (int i = 0; i < made.length; i++) {
                        float keras = predictions[row * made.length + i];
                        assertEquals(keras, made[i], tolerance * (1 + Math.abs(keras)), name + " step " + step);
                    }
                }
            }
        }
    }

    @Test
    void aPredictionIsTheOneThatTheStepReports() {
        try (Trainer trainer = Trainer.open(mlp.bundle)) {
            Batch batch = trainer.newBatch(Recording.ROWS);
            mlp.fill(batch, 0);
            Predictions before = trainer.predict(batch);
            Report report = trainer.step(batch);
            assertEquals(0, before.version());
            assertEquals(0, report.predictions().version());
            for (int row = 0; row < Recording.ROWS; row++) {
                assertArrayEquals(before.row(row), report.predictions().row(row), 1e-6f);
            }
            Predictions after = trainer.predict(batch);
            assertEquals(1, after.version());
            assertFalse(java.util.Arrays.equals(before.row(0), after.row(0)));
            Predictions some = trainer.predict(batch, 5, 3);
            assertEquals(3, some.rows());
            for (int row = 0; row < 3; row++) {
                assertArrayEquals(after.row(5 + row), some.row(row), 1e-6f);
            }
        }
    }

    @Test
    void whatWasHandedOutDoesNotChange() {
        try (Trainer trainer = Trainer.open(mlp.bundle)) {
            Batch batch = trainer.newBatch(Recording.ROWS);
            mlp.fill(batch, 0);
            Report first = trainer.step(batch);
            float loss = first.loss();
            float[] row = first.predictions().row(3);
            float[] kernel = trainer.parameter(trainer.parameterNames().get(0));
            float[] copy = kernel.clone();
            for (int step = 1; step < Recording.STEPS; step++) {
                mlp.fill(batch, step);
                trainer.step(batch);
            }
            assertEquals(loss, first.loss());
            assertArrayEquals(row, first.predictions().row(3));
            assertArrayEquals(copy, kernel);
            assertFalse(java.util.Arrays.equals(copy, trainer.parameter(trainer.parameterNames().get(0))));
        }
    }

    @Test
    void parametersAreReadByName() {
        try (Trainer trainer = Trainer.open(mlp.bundle)) {
            Batch batch = trainer.newBatch(Recording.ROWS);
            for (int step = 0; step < Recording.STEPS; step++) {
                mlp.fill(batch, step);
                trainer.step(batch);
            }
            assertEquals(6, trainer.parameterNames().size());
            for (String name : trainer.parameterNames()) {
                assertArrayEquals(mlp.floats("parameter/" + name), trainer.parameter(name), 2e-6f, name);
            }
            assertArrayEquals(new int[] {13, 32}, trainer.parameterShape(trainer.parameterNames().get(0)));
            assertEquals(Recording.STEPS, trainer.version());
            assertTrue(trainer.nativeBytes() >= 4 * (13 * 32 + 32 * 32 + 32 * 3 + 67));
            InvalidInputException e = assertThrows(InvalidInputException.class, () -> trainer.parameter("kernel"));
            assertTrue(e.getMessage().endsWith("no parameter kernel"), e.getMessage());
        }
    }

    @Test
    void rowsWithoutLabelArePredictedOnly() {
        try (Trainer trainer = Trainer.open(mlp.bundle)) {
            Batch batch = trainer.newBatch(4);
            batch.add(row -> row.set("numbers", new float[13]).set("label", 2));
            batch.add(row -> row.set("numbers", new float[13]));
            assertEquals(2, trainer.predict(batch).rows());
            InvalidInputException e = assertThrows(InvalidInputException.class, () -> trainer.step(batch));
            assertTrue(e.getMessage().endsWith("row 1"), e.getMessage());
            assertEquals(0, trainer.version());
        }
    }

    @Test
    void batchesThatDoNotFitAreRefused() {
        try (Trainer trainer = Trainer.open(mlp.bundle);
                Trainer other = Trainer.open(Recording.of("gru-sgd").bundle);
                Trainer same = Trainer.open(mlp.bundle)) {
            Batch batch = trainer.newBatch(4);
            assertTrue(assertThrows(InvalidInputException.class, () -> trainer.step(batch)).getMessage().contains("empty"));
            assertThrows(InvalidInputException.class, () -> trainer.predict(batch));
            batch.add(row -> row.set("numbers", new float[13]).set("label", 2));
            assertThrows(InvalidInputException.class, () -> other.step(batch));
            for (int[] range : new int[][] {{0, 2}, {1, 1}, {-1, 1}, {0, 0}, {0, -1}, {1, Integer.MAX_VALUE}}) {
                assertThrows(InvalidInputException.class, () -> trainer.predict(batch, range[0], range[1]));
            }
            assertThrows(InvalidInputException.class, () -> trainer.newBatch(0));
            assertEquals(1, same.step(batch).version());
        }
    }

    @Test
    void aNonFiniteStepChangesNothing() {
        try (Trainer trainer = Trainer.builder(mlp.bundle).learningRate(3e38).open()) {
            Batch batch = trainer.newBatch(Recording.ROWS);
            mlp.fill(batch, 0);
            List<float[]> before = parameters(trainer);
            NonFiniteException e = null;
            // The largest learning rate makes the parameters leave the floats within a few steps.
            for (int step = 0; step < 8 && e == null; step++) {
                before = parameters(trainer);
                try {
                    trainer.step(batch);
                } catch (NonFiniteException caught) {
                    e = caught;
                }
            }
            assertNotEquals(null, e, "no step failed");
            assertEquals(Status.NON_FINITE, e.status());
            List<float[]> after = parameters(trainer);
            for (int i = 0; i < before.size(); i++) {
                assertArrayEquals(before.get(i), after.get(i));
            }
        }
    }

    private static List<float[]> parameters(Trainer trainer) {
        return trainer.parameterNames().stream().map(trainer::parameter).collect(Collectors.toList());
    }

    @Test
    void severalThreadsLearnAndPredict() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (Trainer trainer = Trainer.open(mlp.bundle)) {
            List<Future<?>> running = IntStream.range(0, 4)
                    .mapToObj(thread -> threads.submit(() -> {
                        Batch batch = trainer.newBatch(Recording.ROWS);
                        for (int step = 0; step < 50; step++) {
                            mlp.fill(batch, step % Recording.STEPS);
                            if (thread < 2) {
                                trainer.step(batch);
                            } else {
                                assertEquals(Recording.ROWS, trainer.predict(batch).rows());
                            }
                        }
                    }))
                    .collect(Collectors.toList());
            for (Future<?> one : running) {
                one.get();
            }
            assertEquals(100, trainer.version());
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void closeWaitsForCallsInFlightAndLaterCallsThrow() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Trainer trainer = Trainer.open(mlp.bundle);
            CountDownLatch stepping = new CountDownLatch(2);
            List<Future<Long>> running = IntStream.range(0, 2)
                    .mapToObj(thread -> threads.submit(() -> {
                        Batch batch = trainer.newBatch(Recording.ROWS);
                        mlp.fill(batch, 0);
                        long steps = 0;
                        while (true) {
                            try {
                                trainer.step(batch);
                            } catch (ClosedException e) {
                                return steps;
                            }
                            if (++steps == 10) {
                                stepping.countDown();
                            }
                        }
                    }))
                    .collect(Collectors.toList());
            stepping.await();
            trainer.close();
            trainer.close();
            for (Future<Long> one : running) {
                assertTrue(one.get() >= 10);
            }
            Batch batch = trainer.newBatch(1);
            batch.add(row -> row.set("numbers", new float[13]).set("label", 2));
            assertThrows(ClosedException.class, () -> trainer.step(batch));
            assertThrows(ClosedException.class, () -> trainer.predict(batch));
            assertThrows(ClosedException.class, trainer::version);
            assertThrows(ClosedException.class, trainer::nativeBytes);
            assertThrows(ClosedException.class, trainer::metrics);
            assertThrows(ClosedException.class, () -> trainer.parameter(trainer.parameterNames().get(0)));
            assertEquals(1, trainer.schema().features().size());
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void metricsAreProgressive() {
        Recording recording = Recording.of("wide_deep-adagrad");
        try (Trainer trainer = Trainer.builder(recording.bundle).metricsWindow(32).open()) {
            Batch batch = trainer.newBatch(Recording.ROWS);
            double sum = 0;
            double[] recent = new double[2];
            Metrics last = null;
            for (int step = 0; step < Recording.STEPS; step++) {
                recording.fill(batch, step);
                Report report = trainer.step(batch);
                sum += report.loss();
                recent[step % 2] = report.loss();
                last = report.metrics();
                assertEquals(sum / (step + 1), last.value("loss"), 1e-6);
            }
            assertEquals(List.of("loss", "auc", "accuracy"), last.names());
            assertTrue(last.auc() > 0 && last.auc() < 1, "auc " + last.auc());
            assertTrue(last.accuracy() > 0 && last.accuracy() <= 1, "accuracy " + last.accuracy());
            assertEquals(last.auc(), last.value("auc"));
            assertEquals((recent[0] + recent[1]) / 2, last.window("loss"), 1e-6);
            assertEquals(last.toString(), trainer.metrics().toString());
            Metrics metrics = last;
            assertTrue(assertThrows(InvalidInputException.class, () -> metrics.value("mae"))
                    .getMessage()
                    .endsWith("mae"));
        }
    }
}
