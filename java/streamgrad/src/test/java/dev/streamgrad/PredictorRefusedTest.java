package dev.streamgrad;

import static dev.streamgrad.Folders.flip;
import static dev.streamgrad.Folders.learn;
import static dev.streamgrad.Folders.renewFormat;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What a predictor refuses; what predicts goes on. */
class PredictorRefusedTest {
    private final Recording mlp = Recording.of("mlp-adagrad");

    @TempDir
    Path temporary;

    private Path model;
    private VersionId saved;

    @BeforeEach
    void save() {
        model = temporary.resolve("model");
        try (Trainer trainer = Folders.open(mlp, Folders.quiet(model))) {
            learn(mlp, trainer, 2);
            saved = trainer.save();
        }
    }

    private PredictorBuilder quiet() {
        return Predictor.builder(mlp.bundle).follow(model).every(Duration.ZERO);
    }

    private static <T extends StreamgradException> void refused(
            Class<T> type, int status, String text, Executable call) {
        T e = assertThrows(type, call);
        assertEquals(status, e.status(), e.getMessage());
        assertTrue(e.getMessage().contains(text), e.getMessage());
    }

    private static PredictorBuilder following(Recording recording, Path folder) {
        return Predictor.builder(recording.bundle).follow(folder).every(Duration.ZERO);
    }

    @Test
    void aFolderOfSomethingElseIsRefused() throws IOException {
        Path empty = Files.createDirectory(temporary.resolve("empty"));
        for (Path folder : new Path[] {empty, empty.resolve("nowhere"), mlp.bundle}) {
            refused(SnapshotException.class, Status.INVALID_SNAPSHOT, folder.toString(), following(mlp, folder)::open);
        }
        refused(
                InvalidInputException.class,
                Status.INVALID_INPUT,
                "another bundle",
                following(Recording.of("cnn-sgd"), model)::open);
        refused(BundleException.class, Status.INVALID_BUNDLE, "has no bundle", Predictor.numbered(empty)::open);
        refused(
                StreamgradException.class,
                Status.IO,
                "nowhere",
                Predictor.numbered(empty.resolve("nowhere"))::open);
        refused(
                InvalidInputException.class,
                Status.INVALID_INPUT,
                "not both",
                Predictor.numbered(empty).follow(model)::open);
        refused(
                BundleException.class,
                Status.INVALID_BUNDLE,
                "bundle.json",
                Predictor.builder(empty)::open);
        flip(Folders.model(model, saved));
        refused(SnapshotException.class, Status.INVALID_SNAPSHOT, "model.safetensors", quiet()::open);
        renewFormat(model);
        refused(SnapshotException.class, Status.INVALID_SNAPSHOT, "format 2", quiet()::open);
    }

    @Test
    void aHalfCopiedFolderIsRefused() throws IOException {
        Path snapshot = Folders.model(model, saved).getParent();
        for (String file : new String[] {"model.safetensors", "snapshot.json.sha256", "snapshot.json"}) {
            Files.delete(snapshot.resolve(file));
            refused(SnapshotException.class, Status.INVALID_SNAPSHOT, saved.toString(), quiet()::open);
        }
    }

    @Test
    void optionsOutOfRangeAreRefused() {
        for (PredictorBuilder bad : List.of(
                quiet().every(Duration.ofNanos(-1)), quiet().intraOpThreads(-1), quiet().interOpThreads(100_000))) {
            assertThrows(InvalidInputException.class, bad::open);
        }
        assertThrows(InvalidInputException.class, () -> quiet().allowOp("Read\nFile"));
        assertThrows(InvalidInputException.class, () -> quiet().follow(Path.of("a\nb")));
        assertThrows(NullPointerException.class, () -> Predictor.builder(null));
        assertThrows(NullPointerException.class, () -> Predictor.numbered(null));
        refused(
                TensorFlowException.class,
                Status.TENSORFLOW_NOT_FOUND,
                "nowhere",
                quiet().tensorflow(Path.of("/nowhere/libtensorflow_cc.so.2"))::open);
        try (Predictor predictor = quiet().every(Duration.ofSeconds(Long.MAX_VALUE))
                .intraOpThreads(1)
                .interOpThreads(0)
                .allowOp("ReadFile")
                .open()) {
            assertEquals(saved, predictor.version());
        }
    }

    @Test
    void aVersionThatDoesNotExistIsRefusedAndNothingChanges() {
        try (Predictor predictor = quiet().open()) {
            Batch batch = predictor.newBatch(Recording.ROWS);
            mlp.fill(batch, 0);
            float[] before = predictor.predict(batch).row(0);
            VersionId never = new VersionId(saved.lineage(), 99);
            for (Executable call : List.<Executable>of(
                    () -> predictor.switchTo(never), () -> predictor.pin(never), () -> predictor.switchTo(99), () -> predictor.pin(99))) {
                refused(InvalidInputException.class, Status.INVALID_INPUT, saved.toString(), call);
            }
            assertThrows(InvalidInputException.class, () -> predictor.switchTo(-1));
            assertThrows(NullPointerException.class, () -> predictor.switchTo(null));
            refused(InvalidInputException.class, Status.INVALID_INPUT, saved.toString(), predictor::rollback);
            assertEquals(saved, predictor.version());
            assertArrayEquals(before, predictor.predict(batch).row(0));
        }
    }

    @Test
    void aBatchThatDoesNotFitIsRefused() {
        try (Predictor predictor = quiet().open();
                Trainer trainer = Trainer.open(mlp.bundle);
                Trainer other = Trainer.open(Recording.of("cnn-sgd").bundle)) {
            Batch batch = predictor.newBatch(4);
            assertThrows(InvalidInputException.class, () -> predictor.predict(batch));
            assertThrows(InvalidInputException.class, () -> predictor.newBatch(0));
            Batch foreign = other.newBatch(Recording.ROWS);
            Recording.of("cnn-sgd").fill(foreign, 0);
            assertThrows(InvalidInputException.class, () -> predictor.predict(foreign));
            Batch own = predictor.newBatch(Recording.ROWS);
            mlp.fill(own, 0);
            assertThrows(InvalidInputException.class, () -> predictor.predict(own, 0, Recording.ROWS + 1));
            assertThrows(InvalidInputException.class, () -> predictor.predict(own, -1, 1));
            assertEquals(1, predictor.predict(own, Recording.ROWS - 1, 1).rows());
            assertEquals(Recording.ROWS, trainer.predict(own).rows(), "a trainer predicts it too");
            refused(InvalidInputException.class, Status.INVALID_INPUT, "newBatch of this trainer", () -> trainer.step(own));
            Batch learned = trainer.newBatch(Recording.ROWS);
            mlp.fill(learned, 0);
            assertEquals(Recording.ROWS, predictor.predict(learned).rows());
        }
    }

    @Test
    void aClosedPredictorAnswersNothing() {
        Predictor predictor = quiet().open();
        Batch batch = predictor.newBatch(Recording.ROWS);
        mlp.fill(batch, 0);
        predictor.close();
        predictor.close();
        for (Executable call : List.<Executable>of(
                () -> predictor.predict(batch),
                predictor::version,
                predictor::status,
                predictor::nativeBytes,
                predictor::look,
                () -> predictor.switchTo(saved),
                () -> predictor.pin(2),
                predictor::pin,
                predictor::unpin,
                predictor::rollback)) {
            refused(ClosedException.class, Status.CLOSED, "predictor", call);
        }
        assertEquals(Recording.ROWS, batch.rows());
        assertTrue(predictor.schema().columns().size() > 0);
        Trainer trainer = Trainer.open(mlp.bundle);
        trainer.close();
        assertThrows(ClosedException.class, () -> Predictor.of(trainer));
    }

    /** What the native side itself refuses, whatever Java's own checks would have caught before. */
    @Test
    void theNativeSideChecksForItself() {
        ByteBuffer error = Call.newError();
        byte[] bundle = mlp.bundle.toString().getBytes(StandardCharsets.UTF_8);
        long open = Call.check(Native.predictorOpen(bundle, new byte[0], error), error);
        long trainer = Call.check(Native.trainerOpen(bundle, new byte[0], error), error);
        Schema schema = new Schema(Native.predictorSchema(open, error));
        Batch batch = new Batch(schema, Recording.ROWS);
        mlp.fill(batch, 0);
        byte[] name = {'2'};
        for (long wrong : new long[] {0, -1, Long.MAX_VALUE, open + 1, trainer}) {
            assertEquals(-Status.CLOSED, predict(wrong, batch, batch.call().predictionsBuffer(), error));
            assertEquals(-Status.CLOSED, Native.predictorMemory(wrong, error));
            assertEquals(-Status.CLOSED, Native.predictorUnpin(wrong, error));
            for (byte[] answer : new byte[][] {
                Native.predictorSchema(wrong, error),
                Native.predictorVersion(wrong, error),
                Native.predictorStatus(wrong, error),
                Native.predictorLook(wrong, error),
                Native.predictorSwitch(wrong, name, 0, error),
                Native.predictorPinCurrent(wrong, error),
                Native.predictorRollback(wrong, error),
            }) {
                assertNull(answer);
                assertEquals(Status.CLOSED, error.getInt(Call.ERROR_STATUS));
            }
            assertEquals(0, Native.predictorClose(wrong, error));
        }
        assertEquals(-Status.CLOSED, Native.predictorOf(open, error));
        assertEquals(-Status.NULL_POINTER, Native.predictorOpen(null, new byte[0], error));
        assertEquals(-Status.NULL_POINTER, Native.predictorNumbered(bundle, null, error));
        assertNull(Native.predictorSwitch(open, null, 0, error));
        assertEquals(Status.NULL_POINTER, error.getInt(Call.ERROR_STATUS));
        assertNull(Native.predictorSwitch(open, new byte[] {(byte) 0xff}, 0, error));
        assertEquals(Status.INVALID_INPUT, error.getInt(Call.ERROR_STATUS));
        assertEquals(-Status.INVALID_INPUT, Native.predictorOpen(bundle, "store=x\n".getBytes(StandardCharsets.UTF_8), error));
        assertEquals(-Status.NULL_POINTER, predict(open, batch, null, error));
        assertEquals(-Status.BUFFER_TOO_SMALL, predict(open, batch, Layout.allocate(64), error));
        assertEquals(0, predict(open, batch, batch.call().predictionsBuffer(), error));
        assertEquals(0, Native.predictorClose(open, error));
        assertEquals(0, Native.trainerClose(trainer, error));
    }

    private static long predict(long handle, Batch batch, ByteBuffer results, ByteBuffer error) {
        return Native.predictorPredict(
                handle, batch.slab(), batch.capacity(), 0, batch.rows(), batch.heap().bytes(), batch.heap().size(),
                results, error);
    }
}
