package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlTest {
    private static final int ROWS = 8;

    private final Path flights = Recording.folder().resolve("flights.bundle");

    @TempDir
    Path temporary;

    private Builder guarded(Guard guard) {
        return Trainer.builder(flights).guard(guard);
    }

    /** Rows around this number, every second one late. */
    private static Batch batch(Trainer trainer, double number, int seed) {
        Batch batch = trainer.newBatch(ROWS);
        for (int i = 0; i < ROWS; i++) {
            double value = number * (1 + (seed * 5 + i * 7) % 11 / 11.0);
            boolean late = (seed + i) % 2 == 0;
            batch.add(row -> row.set("hour", value).set("distance", -value).set("seats", value / 2).set("wind", value / 3).set("late", late ? 1 : 0));
        }
        return batch;
    }

    private static void learn(Trainer trainer, int steps) {
        for (int step = 0; step < steps; step++) {
            trainer.step(batch(trainer, 0.5, step));
        }
    }

    @Test
    void poisonedBatchesWaitWithTheirRows() {
        try (Trainer trainer = guarded(Guard.defaults().pauseAfter(3).quarantine(2)).open()) {
            learn(trainer, 64);
            VersionId version = trainer.status().version();
            Batch large = batch(trainer, 3e3, 1);
            large.eventTime(1234);
            Batch huge = trainer.newBatch(1);
            huge.add(row -> row.set("hour", -3e38).set("distance", -3e38).set("seats", -3e38).set("wind", -3e38).set("late", 1));
            NonFiniteException finite = assertThrows(NonFiniteException.class, () -> trainer.step(huge));
            assertEquals(400, finite.status());
            OutlierException outlier =
                    assertThrows(OutlierException.class, () -> trainer.stepTo(large, new byte[] {1, 2, 3}));
            assertEquals(402, outlier.status());
            assertThrows(OutlierException.class, () -> trainer.step(large));
            PausedException paused = assertThrows(PausedException.class, () -> trainer.step(large));
            assertEquals(403, paused.status());

            TrainerStatus status = trainer.status();
            assertTrue(status.paused() && !status.stopped() && status.reason().orElseThrow().contains("norm"), status.toString());
            assertEquals(List.of(1L, 2L, 1L, 2L, 1L), List.of(
                    status.notFinite(), status.outliers(), status.responses(), status.quarantined(), status.dropped()));
            assertTrue(status.norm().orElseThrow() > status.limit().orElseThrow());
            assertEquals(version, status.version());
            assertEquals(64 * ROWS, status.rows());

            List<Quarantined> drained = trainer.drainQuarantine();
            assertEquals(2, drained.size());
            Quarantined first = drained.get(0);
            assertEquals(outlier.getMessage(), first.reason());
            assertEquals(402, first.status());
            assertEquals(version, first.version());
            assertArrayEquals(new byte[] {1, 2, 3}, first.position().orElseThrow());
            assertEquals(Optional.empty(), drained.get(1).position());
            assertFalse(first.time().isAfter(Instant.now().plusSeconds(60)));
            assertEquals(1234, first.batch().eventTime().orElseThrow());
            assertEquals(ROWS, first.batch().rows());
            Predictions wanted = trainer.predict(large);
            Predictions found = trainer.predict(first.batch());
            for (int row = 0; row < ROWS; row++) {
                assertEquals(wanted.value(row), found.value(row));
            }
            assertEquals(List.of(), trainer.drainQuarantine());

            trainer.resume();
            assertThrows(OutlierException.class, () -> trainer.step(first.batch()));
            learn(trainer, 1);
            assertEquals(0, trainer.status().inRow());
        }
    }

    @Test
    void stringsAndRaggedRowsComeBackFromQuarantine() throws Exception {
        Recording recording = Recording.of("embedding-adagrad");
        try (Trainer trainer = Trainer.builder(recording.bundle).guard(Guard.defaults().window(8).warmUp(2).factor(1.0001).deviations(0)).open()) {
            Batch batch = trainer.newBatch(Recording.ROWS);
            for (int step = 0; step < 100 && trainer.status().quarantined() == 0; step++) {
                recording.fill(batch, step % Recording.STEPS);
                try {
                    trainer.step(batch);
                } catch (OutlierException e) {
                    Batch back = trainer.drainQuarantine().get(0).batch();
                    assertArrayEquals(bytes(batch), bytes(back));
                    return;
                }
            }
        }
        throw new AssertionError("no batch was refused");
    }

    private static byte[] bytes(Batch batch) throws Exception {
        java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
        batch.write(new java.io.DataOutputStream(out));
        return out.toByteArray();
    }

    @Test
    void manyInARowGoBack() {
        Path model = temporary.resolve("model");
        try (Trainer trainer = guarded(Guard.defaults().rollBackAfter(2)).store(Folders.quiet(model)).open()) {
            learn(trainer, 70);
            VersionId saved = trainer.save();
            learn(trainer, 3);
            Batch large = batch(trainer, 3e3, 1);
            assertThrows(OutlierException.class, () -> trainer.step(large));
            OutlierException last = assertThrows(OutlierException.class, () -> trainer.step(large));
            assertTrue(last.getMessage().contains("went back to version " + saved), last.getMessage());
            VersionId now = trainer.status().version();
            assertEquals(saved.number(), now.number());
            assertTrue(saved.lineage() != now.lineage());
        }
        StreamgradException e = assertThrows(
                StreamgradException.class, () -> guarded(Guard.defaults().rollBackAfter(2)).open());
        assertEquals(900, e.status());
        assertThrows(InvalidInputException.class, () -> guarded(Guard.defaults().factor(0.5)).open());
        assertThrows(InvalidInputException.class, () -> guarded(Guard.defaults().quarantine(-1)).open());
    }

    @Test
    void pauseResumeAndStop() {
        Path model = temporary.resolve("model");
        VersionId saved;
        try (Trainer trainer = Trainer.builder(flights).store(Folders.quiet(model)).open()) {
            assertTrue(Files.exists(model.resolve("control.sock")));
            learn(trainer, 2);
            trainer.setLearningRate(0.25);
            assertThrows(InvalidInputException.class, () -> trainer.setLearningRate(-1));
            assertEquals(0.25, trainer.status().learningRate());
            assertTrue(trainer.status().limit().isEmpty());
            Batch batch = batch(trainer, 0.5, 3);
            trainer.pause();
            assertThrows(PausedException.class, () -> trainer.step(batch));
            assertEquals(2, trainer.predict(batch).version());
            trainer.resume();
            trainer.step(batch);
            saved = trainer.stop().orElseThrow();
            assertEquals(3, saved.number());
            StoppedException stopped = assertThrows(StoppedException.class, () -> trainer.step(batch));
            assertEquals(404, stopped.status());
            assertThrows(StoppedException.class, trainer::resume);
            assertThrows(StoppedException.class, trainer::pause);
            assertTrue(trainer.status().stopped());
            trainer.predict(batch);
        }
        assertFalse(Files.exists(model.resolve("control.sock")));
        try (Trainer trainer = Trainer.builder(flights).store(Folders.quiet(model)).control(false).open()) {
            assertEquals(saved, trainer.status().version());
            assertFalse(Files.exists(model.resolve("control.sock")));
            learn(trainer, 1);
        }
        try (Trainer trainer = Trainer.open(flights)) {
            assertEquals(Optional.empty(), trainer.stop());
        }
    }
}
