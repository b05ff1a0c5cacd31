package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class BuilderTest {
    @TempDir
    Path folder;

    private Path copy() throws IOException {
        Path copy = Files.createDirectory(folder.resolve("ünïcode ✈.bundle"));
        try (Stream<Path> files = Files.list(Recording.of("mlp-sgd").bundle)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.copy(file, copy.resolve(file.getFileName()));
            }
        }
        return copy;
    }

    private static String refused(int status, Path bundle) {
        BundleException e = assertThrows(BundleException.class, () -> Trainer.open(bundle));
        assertEquals(status, e.status());
        return e.getMessage();
    }

    @Test
    void aBundleIsOpenedFromAnyFolder() throws IOException {
        try (Trainer trainer = Trainer.open(copy())) {
            assertEquals(0, trainer.version());
        }
    }

    @Test
    void aMissingBundleIsNamed() throws IOException {
        Path nowhere = folder.resolve("nowhere");
        String message = refused(Status.INVALID_BUNDLE, nowhere);
        assertTrue(message.contains(nowhere.toString()), message);
        for (String file : new String[] {"bundle.json", "graph.pb", "initial.safetensors"}) {
            Path bundle = copy();
            Files.delete(bundle.resolve(file));
            message = refused(Status.INVALID_BUNDLE, bundle);
            assertTrue(message.contains(file), message);
            delete(bundle);
        }
    }

    @Test
    void aTruncatedOrAlteredFileIsNamed() throws IOException {
        for (String file : new String[] {"graph.pb", "initial.safetensors"}) {
            Path bundle = copy();
            byte[] bytes = Files.readAllBytes(bundle.resolve(file));
            Files.write(bundle.resolve(file), java.util.Arrays.copyOf(bytes, bytes.length / 2));
            String message = refused(Status.INVALID_BUNDLE, bundle);
            assertTrue(message.contains(file), message);
            bytes[bytes.length / 2] ^= 1;
            Files.write(bundle.resolve(file), bytes);
            message = refused(Status.INVALID_BUNDLE, bundle);
            assertTrue(message.contains(file), message);
            delete(bundle);
        }
        Path bundle = copy();
        byte[] manifest = Files.readAllBytes(bundle.resolve("bundle.json"));
        Files.write(bundle.resolve("bundle.json"), java.util.Arrays.copyOf(manifest, manifest.length / 2));
        assertTrue(refused(Status.INVALID_BUNDLE, bundle).contains("bundle.json"));
    }

    @Test
    void aManifestThatDoesNotFitIsRefused() throws IOException {
        String[][] changes = {
            {"\"format\":\\s*1", "\"format\": 2"},
            {"\"float32\"", "\"float33\""},
            {"\\[\\s*13\\s*]", "[0]"},
            {"\\[\\s*13\\s*]", "[14]"},
            {"\"feature/numbers:0\"", "\"feature/letters:0\""},
            {"\"rule\":\\s*\"sgd\"", "\"rule\": \"magic\""},
        };
        for (String[] change : changes) {
            Path bundle = copy();
            Path manifest = bundle.resolve("bundle.json");
            String text = Files.readString(manifest);
            String changed = text.replaceFirst(change[0], change[1]);
            assertNotEquals(text, changed, change[0]);
            Files.writeString(manifest, changed);
            refused(Status.INVALID_BUNDLE, bundle);
            delete(bundle);
        }
    }

    @Test
    void optionsOutOfRangeAreRefused() {
        Path bundle = Recording.of("mlp-sgd").bundle;
        for (Builder bad : new Builder[] {
            Trainer.builder(bundle).learningRate(Double.NaN),
            Trainer.builder(bundle).learningRate(-1),
            Trainer.builder(bundle).learningRate(1e300),
            Trainer.builder(bundle).metricsWindow(0),
            Trainer.builder(bundle).metricsWindow(-1),
            Trainer.builder(bundle).intraOpThreads(-1),
            Trainer.builder(bundle).interOpThreads(100_000),
        }) {
            assertThrows(InvalidInputException.class, bad::open);
        }
        assertThrows(InvalidInputException.class, () -> Trainer.builder(bundle).allowOp("Read\nFile"));
    }

    @Test
    void whatIsNullIsNamed() {
        Path path = Path.of("any");
        assertNames("bundle", () -> Trainer.builder(null));
        assertNames("folder", () -> Trainer.open(path, null));
        assertNames("folder", () -> Predictor.follow(path, null));
        assertNames("folder", () -> SavedModel.of(path).store(null));
        assertNames("folder", () -> TensorBoard.at(null));
    }

    private static void assertNames(String argument, Executable call) {
        assertEquals(argument, assertThrows(NullPointerException.class, call).getMessage());
    }

    @Test
    void everyOptionIsTaken() {
        try (Trainer trainer = Trainer.builder(Recording.of("mlp-sgd").bundle)
                .learningRate(0.5)
                .metricsWindow(7)
                .intraOpThreads(1)
                .interOpThreads(0)
                .allowOp("ReadFile")
                .allowOp("WriteFile")
                .open()) {
            assertEquals(0, trainer.version());
        }
    }

    @Test
    void aLearningRateTakesThePlaceOfTheBundles() {
        Recording recording = Recording.of("mlp-sgd");
        double[] moved = new double[2];
        for (int i = 0; i < 2; i++) {
            try (Trainer trainer = Trainer.builder(recording.bundle).learningRate(0.1 * (i + 1)).open()) {
                Batch batch = trainer.newBatch(Recording.ROWS);
                recording.fill(batch, 0);
                float[] before = trainer.parameter("dense_1/kernel");
                trainer.step(batch);
                float[] after = trainer.parameter("dense_1/kernel");
                for (int j = 0; j < before.length; j++) {
                    moved[i] += Math.abs(after[j] - before[j]);
                }
            }
        }
        assertTrue(moved[0] > 0);
        assertEquals(2, moved[1] / moved[0], 1e-4);
    }

    private static void delete(Path bundle) throws IOException {
        try (Stream<Path> files = Files.list(bundle)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.delete(file);
            }
        }
        Files.delete(bundle);
    }
}
