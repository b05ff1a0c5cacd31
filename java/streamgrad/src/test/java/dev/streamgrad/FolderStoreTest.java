package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
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

    /** A store that saves only when it is told to. */
    private FolderStore quiet() {
        return FolderStore.at(model).every(Duration.ZERO).onClose(false);
    }

    private static Trainer open(Recording recording, FolderStore store) {
        return Trainer.builder(recording.bundle).metricsWindow(40).store(store).open();
    }

    /** Learns the recorded batches in turn, as a host that knows its position. */
    private static void learn(Recording recording, Trainer trainer, int steps) {
        Batch batch = trainer.newBatch(Recording.ROWS);
        for (int i = 0; i < steps; i++) {
            long next = position(trainer);
            recording.fill(batch, (int) (next % Recording.STEPS));
            byte[] bytes = ByteBuffer.allocate(Long.BYTES).putLong(next + 1).array();
            assertEquals(trainer.version() + 1, trainer.stepTo(batch, bytes).version());
        }
    }

    private static long position(Trainer trainer) {
        return trainer.position().map(bytes -> ByteBuffer.wrap(bytes).getLong()).orElse(0L);
    }

    /** The bits of all parameters and of what they predict, and the metrics. */
    private static List<Object> look(Recording recording, Trainer trainer) {
        Batch batch = trainer.newBatch(Recording.ROWS);
        recording.fill(batch, 3);
        Predictions predictions = trainer.predict(batch);
        Stream<float[]> rows = IntStream.range(0, Recording.ROWS).mapToObj(predictions::row);
        Stream<float[]> parameters = trainer.parameterNames().stream().map(trainer::parameter);
        List<Object> found = Stream.concat(rows, parameters)
                .map(values -> IntStream.range(0, values.length)
                        .mapToObj(i -> Float.floatToRawIntBits(values[i]))
                        .collect(Collectors.toList()))
                .collect(Collectors.toList());
        found.add(position(trainer));
        Metrics metrics = trainer.metrics();
        metrics.names().forEach(name -> found.add(List.of(metrics.value(name), metrics.window(name))));
        return found;
    }

    private static void await(String what, BooleanSupplier done) throws InterruptedException {
        for (int i = 0; !done.getAsBoolean(); i++) {
            assertTrue(i < 2000, "waited in vain until " + what);
            Thread.sleep(10);
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

    @Test
    void aDamagedSnapshotIsNamedAndOthersStay() throws IOException {
        VersionId one;
        VersionId two;
        try (Trainer trainer = open(cnn, quiet())) {
            learn(cnn, trainer, 1);
            one = trainer.save();
            learn(cnn, trainer, 1);
            two = trainer.save();
        }
        flip(model.resolve("snapshots").resolve(two.toString()).resolve("model.safetensors"));
        SnapshotException e = assertThrows(SnapshotException.class, () -> open(cnn, quiet()));
        assertTrue(e.getMessage().contains("model.safetensors"), e.getMessage());
        try (Trainer trainer = open(cnn, quiet().restore(one))) {
            List<Object> before = look(cnn, trainer);
            assertThrows(SnapshotException.class, () -> trainer.rollback(two));
            assertEquals(before, look(cnn, trainer));
        }
    }

    @Test
    void aFolderThatWasHalfCopiedOrForgedIsRefused() throws Exception {
        VersionId good;
        VersionId bad;
        try (Trainer trainer = open(cnn, quiet())) {
            learn(cnn, trainer, 1);
            good = trainer.save();
            learn(cnn, trainer, 1);
            bad = trainer.save();
        }
        Path snapshot = model.resolve("snapshots").resolve(bad.toString());
        Path manifest = snapshot.resolve("snapshot.json");
        String text = Files.readString(manifest);
        for (String outside : new String[] {"../model.safetensors", "/etc/passwd"}) {
            String forged = text.replace("model.safetensors", outside);
            assertNotEquals(text, forged);
            Files.writeString(manifest, forged);
            Files.writeString(snapshot.resolve("snapshot.json.sha256"), sha256(forged) + "  snapshot.json\n");
            refused("snapshot.json", quiet().restore(bad));
            refused("snapshot.json", quiet());
        }
        Files.writeString(manifest, text);
        Files.writeString(snapshot.resolve("snapshot.json.sha256"), sha256(text) + "  snapshot.json\n");
        try (Trainer trainer = open(cnn, quiet())) {
            assertEquals(2, trainer.version());
        }
        for (String file : new String[] {"model.safetensors", "training.safetensors", "snapshot.json.sha256", "snapshot.json"}) {
            Files.delete(snapshot.resolve(file));
            refused(bad.toString(), quiet());
        }
        Files.delete(snapshot);
        refused("names version " + bad, quiet());
        try (Trainer trainer = open(cnn, quiet().restore(good))) {
            assertEquals(1, trainer.version());
        }
    }

    private void refused(String text, FolderStore store) {
        SnapshotException e = assertThrows(SnapshotException.class, () -> open(cnn, store));
        assertEquals(Status.INVALID_SNAPSHOT, e.status());
        assertTrue(e.getMessage().contains(text), e.getMessage());
    }

    private static String sha256(String text) throws NoSuchAlgorithmException {
        byte[] sum = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        return String.format("%064x", new BigInteger(1, sum));
    }

    private static void flip(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 5] ^= 4;
        Files.write(file, bytes);
    }

    @Test
    void aFolderOfSomethingElseIsRefused() throws IOException {
        FolderStore bundle = FolderStore.at(cnn.bundle);
        SnapshotException e = assertThrows(SnapshotException.class, () -> open(cnn, bundle));
        assertTrue(e.getMessage().contains("not the folder of a store"), e.getMessage());
        FolderStore nowhere = FolderStore.at(temporary.resolve("no").resolve("such"));
        assertEquals(Status.IO, assertThrows(StreamgradException.class, () -> open(cnn, nowhere)).status());
        try (Trainer trainer = open(cnn, quiet())) {
            trainer.save();
        }
        Path marker = model.resolve("store.json");
        Files.writeString(marker, Files.readString(marker).replaceFirst("\"format\":\\s*1", "\"format\": 2"));
        e = assertThrows(SnapshotException.class, () -> open(cnn, quiet()));
        assertTrue(e.getMessage().contains("format 2"), e.getMessage());
    }

    @Test
    void anotherBundleIsRefusedOrWarmStarted() {
        VersionId saved;
        List<float[]> values;
        try (Trainer trainer = open(cnn, quiet())) {
            learn(cnn, trainer, 5);
            saved = trainer.save();
            values = trainer.parameterNames().stream().map(trainer::parameter).collect(Collectors.toList());
        }
        Recording mlp = Recording.of("mlp-sgd");
        InvalidInputException e = assertThrows(InvalidInputException.class, () -> open(mlp, quiet()));
        assertTrue(e.getMessage().contains("dense_1/kernel") && e.getMessage().contains("warm start"), e.getMessage());
        Recording sgd = Recording.of("cnn-sgd");
        assertThrows(InvalidInputException.class, () -> open(sgd, quiet()));
        FolderStore both = quiet().warmStart(true).restore(saved);
        assertThrows(InvalidInputException.class, () -> open(sgd, both));
        try (Trainer trainer = open(sgd, quiet().warmStart(true))) {
            assertEquals(0, trainer.version());
            for (int i = 0; i < values.size(); i++) {
                assertArrayEquals(values.get(i), trainer.parameter(trainer.parameterNames().get(i)));
            }
            assertNotEquals(saved.lineage(), trainer.save().lineage());
        }
    }

    @Test
    void optionsOutOfRangeAreRefused() {
        FolderStore store = quiet();
        for (FolderStore bad : List.of(
                store.everySteps(-1),
                store.every(Duration.ofNanos(-1)),
                store.waitForWriter(Duration.ofSeconds(-1)),
                store.keepLast(0),
                store.keepLast(-1),
                store.keepHourly(-1),
                store.keepDaily(-1),
                store.deltas(-1),
                store.restore(VersionId.parse("0000000000000000-4")))) {
            assertThrows(InvalidInputException.class, () -> open(cnn, bad), bad.toString());
        }
        assertThrows(InvalidInputException.class, () -> FolderStore.at(Path.of("a\nb")));
        assertThrows(NullPointerException.class, () -> Trainer.builder(cnn.bundle).store(null));
        Duration ever = Duration.ofSeconds(Long.MAX_VALUE);
        try (Trainer trainer = open(cnn, store.every(ever).waitForWriter(ever))) {
            assertEquals(0, trainer.save().number());
        }
    }

    @Test
    void aTrainerWithoutStoreSaysSo() {
        try (Trainer trainer = Trainer.open(cnn.bundle)) {
            learn(cnn, trainer, 2);
            assertEquals(2, position(trainer));
            StreamgradException e = assertThrows(StreamgradException.class, trainer::save);
            assertEquals(Status.UNSUPPORTED, e.status());
            assertTrue(e.getMessage().contains("FolderStore"), e.getMessage());
            assertThrows(StreamgradException.class, trainer::keptVersions);
            assertThrows(StreamgradException.class, () -> trainer.rollback(VersionId.parse("0000000000000000-4")));
            assertFalse(trainer.storeStatus().saved().isPresent());
            Batch batch = trainer.newBatch(Recording.ROWS);
            cnn.fill(batch, 0);
            byte[] longer = new byte[1000];
            longer[999] = 7;
            trainer.stepTo(batch, longer);
            assertArrayEquals(longer, trainer.position().orElseThrow());
            trainer.step(batch);
            assertArrayEquals(longer, trainer.position().orElseThrow(), "a step without one leaves it");
            trainer.stepTo(batch, new byte[0]);
            assertEquals(0, trainer.position().orElseThrow().length);
            assertThrows(NullPointerException.class, () -> trainer.stepTo(batch, null));
        }
    }

    @Test
    void aClosedTrainerAnswersNothing() {
        Trainer trainer = open(cnn, quiet());
        Batch batch = trainer.newBatch(Recording.ROWS);
        cnn.fill(batch, 0);
        VersionId zero = trainer.save();
        trainer.close();
        assertThrows(ClosedException.class, trainer::save);
        assertThrows(ClosedException.class, trainer::keptVersions);
        assertThrows(ClosedException.class, trainer::storeStatus);
        assertThrows(ClosedException.class, trainer::position);
        assertThrows(ClosedException.class, () -> trainer.rollback(zero));
        assertThrows(ClosedException.class, () -> trainer.stepTo(batch, new byte[1]));
    }
}
