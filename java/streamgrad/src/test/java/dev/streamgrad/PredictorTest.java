package dev.streamgrad;

import static dev.streamgrad.Folders.await;
import static dev.streamgrad.Folders.flip;
import static dev.streamgrad.Folders.learn;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a predictor predicts by, as versions come and go. */
class PredictorTest {
    private final Recording mlp = Recording.of("mlp-adagrad");

    @TempDir
    Path temporary;

    private Path model;

    @BeforeEach
    void name() {
        model = temporary.resolve("m\u00f6del");
    }

    private Trainer trainer() {
        return Folders.open(mlp, Folders.quiet(model));
    }

    /** One that looks only when it is told to. */
    private Predictor predictor() {
        return Predictor.builder(mlp.bundle).follow(model).every(Duration.ZERO).open();
    }

    private static VersionId save(Recording recording, Trainer trainer) {
        learn(recording, trainer, 1);
        return trainer.save();
    }

    private VersionId save(Trainer trainer) {
        return save(mlp, trainer);
    }

    private static float[] values(Predictions predictions) {
        float[] values = new float[predictions.rows()];
        for (int i = 0; i < values.length; i++) {
            values[i] = predictions.row(i)[0];
        }
        return values;
    }

    private static Batch batch(Recording recording, Predictor predictor) {
        Batch batch = predictor.newBatch(Recording.ROWS);
        recording.fill(batch, 3);
        return batch;
    }

    /** Predicts, by this version. */
    private float[] predictsBy(Predictor predictor, VersionId version) {
        Predictions predictions = predictor.predict(batch(mlp, predictor));
        assertEquals(version, predictions.versionId());
        assertEquals(version.number(), predictions.version());
        assertEquals(version, predictor.version());
        assertEquals(version, predictor.status().version());
        return values(predictions);
    }

    @Test
    void besideATrainerItPredictsByTheNewestVersion() {
        Predictor predictor;
        Batch batch;
        try (Trainer trainer = Trainer.open(mlp.bundle)) {
            predictor = Predictor.of(trainer);
            batch = trainer.newBatch(Recording.ROWS);
            mlp.fill(batch, 3);
            for (int step = 1; step <= 3; step++) {
                VersionId before = trainer.predict(batch).versionId();
                Report report = trainer.step(batch);
                assertEquals(step, report.version());
                assertEquals(before, report.predictions().versionId());
                Predictions wanted = trainer.predict(batch);
                Predictions found = predictor.predict(batch);
                assertEquals(wanted.versionId(), found.versionId());
                assertEquals(step, found.version());
                assertArrayEquals(values(wanted), values(found));
                assertArrayEquals(values(wanted), values(predictor.predict(batch(mlp, predictor))));
            }
            VersionId pinned = predictor.pin();
            trainer.step(batch);
            predictsBy(predictor, pinned);
            PredictorStatus status = predictor.status();
            assertTrue(status.pinned());
            assertEquals(Optional.empty(), status.made());
            assertEquals(Optional.empty(), status.since());
            assertEquals(Optional.empty(), status.age());
            predictor.unpin();
            assertEquals(trainer.version(), predictor.version().number());
            assertEquals(predictor.version(), predictor.pin(trainer.version()));
            for (StreamgradException e : List.of(
                    assertThrows(StreamgradException.class, () -> predictor.switchTo(pinned)),
                    assertThrows(StreamgradException.class, predictor::rollback))) {
                assertEquals(Status.UNSUPPORTED, e.status());
            }
            assertTrue(predictor.nativeBytes() > 0 && predictor.nativeBytes() < trainer.nativeBytes());
        }
        assertEquals(4, predictor.predict(batch).version(), "it outlives its trainer");
        predictor.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"cnn-adam", "wide_deep-sgd", "gru-adagrad"})
    void aFolderIsFollowed(String name) throws Exception {
        Recording recording = Recording.of(name);
        try (Trainer trainer = Folders.open(recording, Folders.quiet(model));
                Predictor predictor = Predictor.builder(recording.bundle).follow(model).every(Duration.ofMillis(5)).open()) {
            Batch batch = batch(recording, predictor);
            assertEquals(0, predictor.predict(batch).version(), "the bundle's own values");
            for (int i = 0; i < 3; i++) {
                VersionId saved = save(recording, trainer);
                await("it follows", () -> predictor.version().equals(saved));
                Predictions wanted = trainer.predict(batch);
                Predictions found = predictor.predict(batch);
                assertEquals(saved, found.versionId());
                for (int row = 0; row < Recording.ROWS; row++) {
                    assertArrayEquals(wanted.row(row), found.row(row));
                }
            }
            assertEquals(3, predictor.status().swaps());
        }
    }

    @Test
    void theStatusSaysWhatPredicts() {
        try (Trainer trainer = trainer();
                Predictor predictor = predictor()) {
            PredictorStatus status = predictor.status();
            assertEquals(0, status.version().number());
            assertEquals(Optional.empty(), status.made());
            assertTrue(status.since().isPresent());
            VersionId saved = save(trainer);
            assertEquals(saved, predictor.look());
            status = predictor.status();
            assertEquals(saved, status.version());
            assertEquals(trainer.storeStatus().savedAt(), status.made());
            assertTrue(status.age().orElseThrow().compareTo(Duration.ofMinutes(10)) < 0);
            assertFalse(status.since().orElseThrow().isBefore(status.made().orElseThrow()));
            assertFalse(status.pinned());
            assertEquals(1, status.swaps());
            assertEquals(0, status.failures());
            assertEquals(Optional.empty(), status.problem());
            assertTrue(status.toString().startsWith(saved.toString()), status.toString());
        }
    }

    @Test
    void itGoesBackPinsAndFollowsAgain() {
        try (Trainer trainer = trainer();
                Predictor predictor = predictor()) {
            VersionId own = predictor.version();
            float[] blank = predictsBy(predictor, own);
            List<VersionId> saved = new ArrayList<>();
            List<float[]> values = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                saved.add(save(trainer));
                assertEquals(saved.get(i), predictor.look());
                values.add(predictsBy(predictor, saved.get(i)));
            }
            assertEquals(saved.get(1), predictor.rollback());
            assertEquals(saved.get(0), predictor.rollback());
            assertTrue(predictor.status().pinned());
            VersionId newest = save(trainer);
            assertEquals(saved.get(0), predictor.look(), "pinned");
            assertArrayEquals(values.get(0), predictsBy(predictor, saved.get(0)));
            predictor.unpin();
            assertEquals(newest, predictor.look());

            assertEquals(saved.get(2), predictor.switchTo(saved.get(2)));
            assertArrayEquals(values.get(2), predictsBy(predictor, saved.get(2)));
            assertEquals(saved.get(1), predictor.switchTo(2));
            assertFalse(predictor.status().pinned());
            assertEquals(own, predictor.pin(own));
            assertArrayEquals(blank, predictsBy(predictor, own));
            assertEquals(saved.get(0), predictor.pin(1));
            assertTrue(predictor.status().pinned());
            assertEquals(saved.get(0), predictor.pin());
            predictor.unpin();
            assertEquals(newest, predictor.look());

            VersionId back = trainer.rollback(saved.get(0));
            assertNotEquals(saved.get(0).lineage(), back.lineage());
            assertEquals(back, predictor.look(), "a new lineage is followed");
            assertArrayEquals(values.get(0), predictsBy(predictor, back));
        }
    }

    @Test
    void aBrokenSnapshotIsRefusedAndTheOldVersionStays() throws IOException {
        try (Trainer trainer = trainer();
                Predictor predictor = predictor()) {
            VersionId good = save(trainer);
            predictor.look();
            float[] wanted = predictsBy(predictor, good);
            VersionId broken = save(trainer);
            flip(Folders.model(model, broken));
            SnapshotException e = assertThrows(SnapshotException.class, predictor::look);
            assertTrue(e.getMessage().contains("model.safetensors"), e.getMessage());
            assertArrayEquals(wanted, predictsBy(predictor, good));
            PredictorStatus status = predictor.status();
            PredictorStatus.Problem problem = status.problem().orElseThrow();
            assertEquals(Optional.of(broken), problem.version());
            assertEquals(Status.INVALID_SNAPSHOT, problem.status());
            assertEquals(e.getMessage(), problem.error());
            assertFalse(problem.time().isBefore(status.since().orElseThrow()));
            assertEquals(1, status.failures());
            assertTrue(status.toString().contains(problem.error()), status.toString());
            assertThrows(SnapshotException.class, () -> predictor.switchTo(broken));
            VersionId next = save(trainer);
            assertEquals(next, predictor.look());
            assertEquals(Optional.empty(), predictor.status().problem());
        }
    }

    @Test
    void numberedBundlesAreFollowed() throws IOException {
        Path first = temporary.resolve("bundles").resolve("1");
        copy(Recording.of("mlp-sgd").bundle, first);
        try (Predictor predictor = Predictor.numbered(first.getParent()).every(Duration.ZERO).open()) {
            VersionId one = predictor.version();
            assertEquals(1, one.number());
            copy(mlp.bundle, first.resolveSibling("2"));
            VersionId two = predictor.look();
            assertEquals(2, two.number());
            assertNotEquals(one.lineage(), two.lineage());
            float[] wanted;
            try (Trainer trainer = Trainer.open(mlp.bundle)) {
                wanted = values(trainer.predict(batch(mlp, predictor)));
            }
            assertArrayEquals(wanted, predictsBy(predictor, two));

            Path half = first.resolveSibling("3");
            copy(mlp.bundle, half);
            Files.delete(half.resolve("initial.safetensors"));
            BundleException e = assertThrows(BundleException.class, predictor::look);
            assertTrue(e.getMessage().contains("initial.safetensors"), e.getMessage());
            assertEquals(3, predictor.status().problem().orElseThrow().version().orElseThrow().number());
            assertArrayEquals(wanted, predictsBy(predictor, two));
            assertEquals(one, predictor.rollback());
            assertEquals(two, predictor.switchTo(2));
        }
    }

    private static void copy(Path bundle, Path to) throws IOException {
        Files.createDirectories(to);
        for (String file : new String[] {"bundle.json", "graph.pb", "initial.safetensors"}) {
            Files.copy(bundle.resolve(file), to.resolve(file));
        }
    }

    @Test
    void noCallFailsWhileVersionsAreSwapped() throws Exception {
        Map<VersionId, float[]> wanted = new ConcurrentHashMap<>();
        ExecutorService threads = Executors.newFixedThreadPool(2);
        Trainer trainer = trainer();
        Predictor predictor = predictor();
        try {
            Batch rows = batch(mlp, predictor);
            wanted.put(predictor.version(), values(predictor.predict(rows)));
            List<Future<Long>> calls = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                Batch own = batch(mlp, predictor);
                calls.add(threads.submit(() -> {
                    for (long n = 0; ; n++) {
                        try {
                            Predictions predictions = predictor.predict(own);
                            assertArrayEquals(wanted.get(predictions.versionId()), values(predictions));
                        } catch (ClosedException e) {
                            return n;
                        }
                    }
                }));
            }
            for (int i = 0; i < 50; i++) {
                learn(mlp, trainer, 1);
                float[] values = values(trainer.predict(rows));
                VersionId saved = trainer.save();
                wanted.put(saved, values);
                assertEquals(saved, predictor.look());
            }
            assertEquals(50, predictor.status().swaps());
            predictor.close();
            for (Future<Long> call : calls) {
                assertTrue(call.get() > 0);
            }
        } finally {
            threads.shutdownNow();
            predictor.close();
            trainer.close();
        }
    }

    @Test
    void oneLineFollows() {
        try (Trainer trainer = trainer()) {
            VersionId saved = save(trainer);
            try (Predictor predictor = Predictor.follow(mlp.bundle, model)) {
                assertEquals(saved, predictor.version());
                assertSame(predictor.schema(), predictor.newBatch(1).schema());
                assertEquals(trainer.schema().toString(), predictor.schema().toString());
            }
        }
    }
}
