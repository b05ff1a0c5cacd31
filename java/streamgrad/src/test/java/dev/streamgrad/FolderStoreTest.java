package dev.streamgrad;

import static dev.streamgrad.Folders.await;
import static dev.streamgrad.Folders.learn;
import static dev.streamgrad.Folders.look;
import static dev.streamgrad.Folders.open;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FolderStoreTest {
    private final Recording cnn = Recording.of("cnn-adam");

    @TempDir
    Path temporary;

    private Path model;

    @BeforeEach
    void name() {
        model = temporary.resolve("m\u00f6del");
    }

    private FolderStore quiet() {
        return Folders.quiet(model);
    }

    @Test
    void aVersionIsWrittenAsASavedModel() throws IOException {
        Path served = temporary.resolve("s\u00e9rved");
        try (Trainer trainer = Trainer.open(cnn.bundle)) {
            learn(cnn, trainer, 3);
            VersionId written = trainer.toSavedModel(served);
            assertEquals(3, written.number());
            assertTrue(Files.exists(served.resolve("3/variables/variables.index")));
            assertThrows(InvalidInputException.class, () -> trainer.toSavedModel(served));
            try (Predictor predictor = Predictor.builder(served.resolve("3")).open()) {
                assertEquals(1, predictor.schema().outputs().size());
            }
        }
    }

    @Test
    void anyKeptVersionIsWrittenWithoutATrainer() throws IOException {
        Path served = temporary.resolve("s\u00e9rved");
        SavedModel own = SavedModel.of(cnn.bundle);
        assertEquals(0, own.write(served).number());
        try (Trainer trainer = open(cnn, quiet())) {
            SavedModel newest = SavedModel.of(cnn.bundle).store(model);
            InvalidInputException e = assertThrows(InvalidInputException.class, () -> newest.write(served));
            assertTrue(e.getMessage().contains("nothing was saved there yet: " + model), e.getMessage());
            learn(cnn, trainer, 2);
            VersionId two = trainer.save();
            Predictions wanted = predict(Predictor.of(trainer));
            learn(cnn, trainer, 1);
            VersionId three = trainer.save();

            assertEquals(three, newest.write(served));
            SavedModel chosen = SavedModel.of(cnn.bundle).store(model).version(two);
            assertEquals(two, chosen.write(served));
            assertEquals(List.of("0", "2", "3"), names(served));
            Predictions found = predict(Predictor.builder(served.resolve("2")).open());
            assertNotEquals(0, wanted.rows());
            for (int row = 0; row < wanted.rows(); row++) {
                assertArrayEquals(wanted.row(row), found.row(row), 1e-6F);
            }

            assertThrows(InvalidInputException.class, () -> chosen.write(served));
            SavedModel never = SavedModel.of(cnn.bundle).store(model).version(VersionId.of(two.lineage(), 1));
            e = assertThrows(InvalidInputException.class, () -> never.write(served));
            assertTrue(e.getMessage().contains(three.toString()), e.getMessage());
            assertThrows(InvalidInputException.class, () -> own.version(two).write(served));
            SavedModel elsewhere = SavedModel.of(cnn.bundle).store(temporary.resolve("none"));
            assertThrows(SnapshotException.class, () -> elsewhere.write(served));
            SavedModel missing = SavedModel.of(temporary.resolve("none"));
            assertThrows(BundleException.class, () -> missing.write(served));
            assertEquals(List.of("0", "2", "3"), names(served));
        }
    }

    /** Closes it then. */
    private Predictions predict(Predictor predictor) {
        try (predictor) {
            Batch batch = predictor.newBatch(Recording.ROWS);
            cnn.fill(batch, 3);
            return predictor.predict(batch);
        }
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(path -> path.getFileName().toString()).sorted().collect(Collectors.toList());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cnn-adam", "regularized-adagrad", "wide_deep-sgd"})
    void learningGoesOnBitForBit(String name) {
        Recording recording = Recording.of(name);
        List<Object> wanted;
        try (Trainer whole = Trainer.builder(recording.bundle).metricsWindow(40).open()) {
            learn(recording, whole, 23);
            wanted = look(recording, whole);
        }
        try (Trainer first = open(recording, FolderStore.at(model))) {
            learn(recording, first, 9);
        }
        try (Trainer second = open(recording, FolderStore.at(model))) {
            assertEquals(9, second.version());
            assertEquals(9, second.storeStatus().saved().orElseThrow().number());
            learn(recording, second, 14);
            assertEquals(wanted, look(recording, second));
        }
    }

    @Test
    void aProcessThatDiedIsGoneOnFrom() throws Exception {
        Path recording = Recording.folder().resolve("cnn-adam");
        Child child = Child.run(List.of("-Xcheck:jni"), Map.of(), "halt=" + recording + "," + model);
        assertEquals(9, child.exit, child.output);
        assertFalse(child.output.contains("WARNING"), child.output);
        assertTrue(child.output.matches("(?s).*saved [0-9a-f]{16}-3 of 1\\R.*"), child.output);
        assertTrue(child.last().endsWith("position 5"), child.output);
        try (Trainer whole = Trainer.builder(cnn.bundle).open();
                Trainer trainer = Trainer.open(cnn.bundle, model)) {
            Batch batch = whole.newBatch(Recording.ROWS);
            for (int step = 0; step < 6; step++) {
                cnn.fill(batch, step);
                whole.step(batch);
                if (step >= trainer.version()) {
                    assertEquals(step, trainer.position().orElseThrow()[0]);
                    trainer.stepTo(batch, new byte[] {(byte) (step + 1)});
                }
            }
            for (String name : whole.parameterNames()) {
                assertArrayEquals(whole.parameter(name), trainer.parameter(name), 0, name);
            }
        }
    }

    @Test
    void aFolderIsNamedInOneLine() {
        long version;
        try (Trainer trainer = Trainer.open(cnn.bundle, model)) {
            assertFalse(trainer.position().isPresent());
            learn(cnn, trainer, 2);
            version = trainer.version();
        }
        try (Trainer trainer = Trainer.open(cnn.bundle, model)) {
            assertEquals(version, trainer.version());
        }
    }

    @Test
    void whatIsSavedIsToldAndGoneBackTo() {
        FolderStore restored;
        List<Object> wanted;
        try (Trainer trainer = open(cnn, quiet())) {
            assertEquals("nothing saved", trainer.storeStatus().toString());
            assertEquals(Optional.empty(), trainer.storeStatus().savedAt());
            assertEquals(List.of(), trainer.keptVersions());
            learn(cnn, trainer, 4);
            VersionId four = trainer.save();
            assertEquals(4, four.number());
            List<Object> atFour = look(cnn, trainer);
            learn(cnn, trainer, 3);
            List<Object> atSeven = look(cnn, trainer);
            assertNotEquals(atFour, atSeven);
            VersionId seven = trainer.save();
            assertEquals(four.lineage(), seven.lineage());
            StoreStatus status = trainer.storeStatus();
            assertEquals(Optional.of(seven), status.saved());
            assertEquals(0, status.failures());
            assertEquals(Optional.empty(), status.error());
            assertFalse(status.waiting());

            List<KeptVersion> kept = trainer.keptVersions();
            assertEquals(List.of(four, seven), kept.stream().map(KeptVersion::version).collect(Collectors.toList()));
            assertEquals(status.savedAt(), Optional.of(kept.get(1).time()));
            assertTrue(Duration.between(kept.get(0).time(), Instant.now()).abs().toMinutes() < 10);
            assertTrue(kept.get(0).bytes() > 4 * trainer.parameter(trainer.parameterNames().get(0)).length);
            assertEquals(Optional.empty(), kept.get(0).base());

            VersionId made = trainer.rollback(four);
            assertEquals(4, made.number());
            assertNotEquals(four.lineage(), made.lineage());
            assertEquals(Optional.of(made), trainer.storeStatus().saved());
            assertEquals(atFour, look(cnn, trainer));
            learn(cnn, trainer, 3);
            assertEquals(atSeven, look(cnn, trainer));

            VersionId never = VersionId.parse("0000000000000000-4");
            InvalidInputException e = assertThrows(InvalidInputException.class, () -> trainer.rollback(never));
            assertTrue(e.getMessage().contains(never.toString()) && e.getMessage().contains(seven.toString()));
            assertEquals(atSeven, look(cnn, trainer));
            restored = quiet().restore(four);
            wanted = atFour;
        }
        try (Trainer trainer = open(cnn, restored)) {
            assertEquals(wanted, look(cnn, trainer));
        }
    }

    @Test
    void savesComeByStepsAndByTheClock() throws Exception {
        try (Trainer trainer = open(cnn, quiet().everySteps(2).keepLast(2))) {
            for (long step = 2; step <= 8; step += 2) {
                learn(cnn, trainer, 2);
                long wanted = step;
                await("step " + step + " is saved", () ->
                        trainer.storeStatus().saved().filter(saved -> saved.number() == wanted).isPresent());
            }
            await("old versions are gone", () -> trainer.keptVersions().size() == 2);
            learn(cnn, trainer, 1);
        }
        try (Trainer trainer = open(cnn, quiet().every(Duration.ofMillis(20)).keepHourly(1).keepDaily(1).deltas(3))) {
            assertEquals(8, trainer.version());
            learn(cnn, trainer, 1);
            await("the clock saves", () -> trainer.storeStatus().saved().orElseThrow().number() == 9);
        }
    }

    @Test
    void aSecondWriterIsRefusedOrWaits() throws Exception {
        Trainer first = open(cnn, quiet());
        learn(cnn, first, 2);
        first.save();
        LockedException e = assertThrows(LockedException.class, () -> open(cnn, quiet()));
        assertEquals(Status.LOCKED, e.status());
        assertTrue(e.getMessage().contains("process " + ProcessHandle.current().pid() + " on"), e.getMessage());
        assertThrows(LockedException.class, () -> open(cnn, quiet().waitForWriter(Duration.ofMillis(50))));
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            Future<Trainer> second = thread.submit(() -> open(cnn, quiet().waitForWriter(Duration.ofSeconds(60))));
            Thread.sleep(100);
            assertFalse(second.isDone());
            first.close();
            try (Trainer trainer = second.get()) {
                assertEquals(2, trainer.version());
            }
        } finally {
            thread.shutdownNow();
            first.close();
        }
    }

    @Test
    void aFolderThatIsGoneStopsNothing() throws IOException {
        Path away = temporary.resolve("away");
        try (Trainer trainer = open(cnn, quiet())) {
            learn(cnn, trainer, 1);
            VersionId one = trainer.save();
            Files.move(model, away);
            learn(cnn, trainer, 1);
            StreamgradException e = assertThrows(StreamgradException.class, trainer::save);
            assertEquals(Status.IO, e.status());
            learn(cnn, trainer, 1);
            StoreStatus status = trainer.storeStatus();
            assertEquals(1, status.failures());
            assertTrue(status.error().orElseThrow().contains(model.toString()), status.toString());
            assertEquals(Optional.of(one), status.saved());
            Files.move(away, model);
            assertEquals(3, trainer.save().number());
            assertEquals(0, trainer.storeStatus().failures());
        }
    }
}
