package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
    private final Recording cnn = Recording.of("cnn-adam");

    @TempDir
    Path temporary;

    private Trainer open() {
        return Trainer.builder(cnn.bundle).metricsWindow(40).open();
    }

    private Trainer open(FolderStore store) {
        return Trainer.builder(cnn.bundle).metricsWindow(40).store(store).open();
    }

    private FolderStore quiet() {
        return FolderStore.at(temporary.resolve("model")).every(Duration.ZERO).onClose(false);
    }

    private void learn(Trainer trainer, int steps) {
        Batch batch = trainer.newBatch(Recording.ROWS);
        for (int i = 0; i < steps; i++) {
            cnn.fill(batch, (int) (trainer.version() % Recording.STEPS));
            trainer.stepTo(batch, new byte[] {(byte) trainer.version()});
        }
    }

    private static byte[] bytes(Checkpoint checkpoint) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertEquals(checkpoint.writeTo(out), out.size());
        return out.toByteArray();
    }

    private static List<Object> look(Trainer trainer) {
        List<Object> found = new ArrayList<>();
        for (String name : trainer.parameterNames()) {
            found.add(Arrays.toString(trainer.parameter(name)));
        }
        found.add(trainer.version());
        found.add(trainer.position().map(Arrays::toString));
        Metrics metrics = trainer.metrics();
        metrics.names().forEach(name -> found.add(List.of(metrics.value(name), metrics.window(name))));
        return found;
    }

    @AfterEach
    void nothingIsHeld() {
        assertEquals(0, Checkpoint.held());
    }

    @Test
    void learningGoesOnBitForBit() throws IOException {
        List<Object> wanted;
        byte[] stream;
        VersionId third;
        try (Trainer whole = open()) {
            learn(whole, 3);
            try (Checkpoint checkpoint = whole.checkpoint()) {
                third = checkpoint.version();
                learn(whole, 5);
                stream = bytes(checkpoint);
            }
            wanted = look(whole);
        }
        try (Trainer second = open()) {
            VersionId made = second.restore(new ByteArrayInputStream(stream));
            assertEquals(3, made.number());
            assertNotEquals(third.lineage(), made.lineage());
            learn(second, 5);
            assertEquals(wanted, look(second));
        }
    }

    @Test
    void itIsWrittenByAnotherThreadAndOutlivesItsTrainer() throws Exception {
        ExecutorService threads = Executors.newSingleThreadExecutor();
        Checkpoint checkpoint;
        byte[] first;
        try (Trainer trainer = open()) {
            learn(trainer, 2);
            checkpoint = trainer.checkpoint();
            Future<byte[]> written = threads.submit(() -> bytes(checkpoint));
            learn(trainer, 20);
            first = written.get();
            assertEquals(1, Checkpoint.held());
        }
        assertArrayEquals(first, threads.submit(() -> bytes(checkpoint)).get());
        assertEquals(2, checkpoint.version().number());
        threads.shutdown();
        checkpoint.close();
        checkpoint.close();
        assertThrows(ClosedException.class, () -> checkpoint.writeTo(OutputStream.nullOutputStream()));
        assertEquals(2, checkpoint.version().number());
    }

    @Test
    void aCheckpointLargerThanAChunkComesBackWhole() throws IOException {
        byte[] position = new byte[3 * Checkpoint.CHUNK + 5];
        for (int i = 0; i < position.length; i++) {
            position[i] = (byte) (i * 31 >> 7);
        }
        try (Trainer first = open();
                Trainer second = open()) {
            Batch batch = first.newBatch(Recording.ROWS);
            cnn.fill(batch, 0);
            first.stepTo(batch, position);
            try (Checkpoint checkpoint = first.checkpoint()) {
                // A stream may give fewer bytes than were asked for.
                byte[] stream = bytes(checkpoint);
                second.restore(new ByteArrayInputStream(stream) {
                    @Override
                    public synchronized int read(byte[] into, int at, int length) {
                        return super.read(into, at, Math.min(length, 1000));
                    }
                });
            }
            assertArrayEquals(position, second.position().orElseThrow());
        }
    }

    @Test
    void closedMidwayTheWriterHearsOfIt() throws Exception {
        try (Trainer trainer = open()) {
            Batch batch = trainer.newBatch(Recording.ROWS);
            cnn.fill(batch, 0);
            trainer.stepTo(batch, new byte[4 * Checkpoint.CHUNK]);
            Checkpoint checkpoint = trainer.checkpoint();
            CountDownLatch written = new CountDownLatch(1);
            CountDownLatch closed = new CountDownLatch(1);
            ExecutorService threads = Executors.newSingleThreadExecutor();
            Future<?> writing = threads.submit(() -> assertThrows(
                    ClosedException.class,
                    () -> checkpoint.writeTo(new OutputStream() {
                        @Override
                        public void write(int b) {
                            throw new IllegalStateException("it writes chunks");
                        }

                        @Override
                        public void write(byte[] bytes, int from, int length) throws IOException {
                            written.countDown();
                            try {
                                closed.await();
                            } catch (InterruptedException e) {
                                throw new IOException(e);
                            }
                        }
                    })));
            written.await();
            checkpoint.close();
            closed.countDown();
            writing.get();
            threads.shutdown();
        }
    }

    @Test
    void whatDoesNotBelongChangesNothing() throws IOException {
        try (Trainer trainer = open();
                Trainer other = Trainer.open(Recording.of("mlp-sgd").bundle)) {
            learn(trainer, 2);
            List<Object> kept = look(trainer);
            byte[] stream;
            try (Checkpoint checkpoint = trainer.checkpoint();
                    Checkpoint foreign = other.checkpoint()) {
                stream = bytes(checkpoint);
                byte[] theirs = bytes(foreign);
                InvalidInputException e =
                        assertThrows(InvalidInputException.class, () -> trainer.restore(new ByteArrayInputStream(theirs)));
                assertTrue(e.getMessage().contains("of another bundle"), e.getMessage());
            }
            for (int length : new int[] {0, 1, 511, 512, 2000, stream.length / 2, stream.length - 1}) {
                byte[] cut = Arrays.copyOf(stream, length);
                SnapshotException e =
                        assertThrows(SnapshotException.class, () -> trainer.restore(new ByteArrayInputStream(cut)));
                assertTrue(e.getMessage().contains("checkpoint: "), e.getMessage());
            }
            for (int at = 0; at < stream.length; at += 997) {
                byte[] altered = stream.clone();
                altered[at] ^= 4;
                assertThrows(SnapshotException.class, () -> trainer.restore(new ByteArrayInputStream(altered)));
            }
            assertThrows(IOException.class, () -> trainer.restore(new InputStream() {
                @Override
                public int read() throws IOException {
                    throw new IOException("the wire is cut");
                }
            }));
            try (Checkpoint checkpoint = trainer.checkpoint()) {
                IOException full = new IOException("no room");
                assertEquals(full, assertThrows(IOException.class, () -> checkpoint.writeTo(new OutputStream() {
                    @Override
                    public void write(int b) throws IOException {
                        throw full;
                    }
                })));
            }
            assertEquals(kept, look(trainer));
        }
    }

    @Test
    void aCheckpointWinsOverTheFolder() throws IOException {
        byte[] stream;
        VersionId fifth;
        try (Trainer first = open(quiet())) {
            learn(first, 3);
            try (Checkpoint checkpoint = first.checkpoint()) {
                stream = bytes(checkpoint);
            }
            learn(first, 2);
            fifth = first.save();
        }
        try (Trainer second = open(quiet())) {
            assertEquals(5, second.version());
            VersionId made = second.restore(new ByteArrayInputStream(stream));
            assertEquals(made, second.storeStatus().saved().orElseThrow());
            assertEquals(3, second.version());
        }
        try (Trainer third = open(quiet())) {
            assertEquals(3, third.version());
            assertEquals(fifth, third.keptVersions().get(0).version());
        }
    }

    @Test
    void exactlyItsVersionIsSavedAndHeld() {
        try (Trainer trainer = open(quiet().keepLast(1))) {
            learn(trainer, 3);
            try (Checkpoint checkpoint = trainer.checkpoint()) {
                trainer.hold(checkpoint.version());
                learn(trainer, 2);
                trainer.save();
                assertEquals(checkpoint.version(), checkpoint.save());
                learn(trainer, 1);
                trainer.save();
                assertEquals(List.of(3L, 6L), numbers(trainer));
                assertEquals(3, trainer.rollback(checkpoint.version()).number());
                trainer.release(checkpoint.version());
                learn(trainer, 1);
                trainer.save();
                assertEquals(List.of(4L), numbers(trainer));
            }
        }
        try (Trainer trainer = open();
                Checkpoint checkpoint = trainer.checkpoint()) {
            assertThrows(StreamgradException.class, checkpoint::save);
            assertThrows(StreamgradException.class, () -> trainer.hold(checkpoint.version()));
            assertThrows(StreamgradException.class, () -> trainer.release(checkpoint.version()));
        }
    }

    private static List<Long> numbers(Trainer trainer) {
        List<Long> numbers = new ArrayList<>();
        trainer.keptVersions().forEach(kept -> numbers.add(kept.version().number()));
        return numbers;
    }

    @Test
    void aClosedTrainerMakesNone() {
        Trainer trainer = open();
        Checkpoint checkpoint = trainer.checkpoint();
        trainer.close();
        assertThrows(ClosedException.class, trainer::checkpoint);
        assertThrows(ClosedException.class, () -> trainer.restore(InputStream.nullInputStream()));
        assertThrows(ClosedException.class, checkpoint::save);
        checkpoint.close();
    }

    @Test
    void theBoundaryRefusesWhatIsNoHandleAndNoBuffer() {
        ByteBuffer error = Call.newError();
        ByteBuffer chunk = Layout.allocate(64);
        try (Trainer trainer = open()) {
            assertEquals(0, trainer.version());
            long handle = Call.check(Native.arrivalOpen(error), error);
            for (long wrong : new long[] {0, -1, 1, handle}) {
                assertEquals(-Status.CLOSED, Native.checkpointRead(wrong, 0, chunk, error));
                assertEquals(null, Native.checkpointVersion(wrong, error));
                assertEquals(null, Native.trainerRestore(wrong, wrong, error));
                assertEquals(null, Native.trainerSaveCheckpoint(wrong, wrong, error));
                assertEquals(-Status.CLOSED, Native.trainerHold(wrong, 1, 2, error));
                assertEquals(-Status.CLOSED, Native.trainerRelease(wrong, 1, 2, error));
                assertEquals(0, Native.checkpointClose(wrong, error));
            }
            assertEquals(-Status.NULL_POINTER, Native.arrivalWrite(handle, null, 0, error));
            assertEquals(-Status.INVALID_INPUT, Native.arrivalWrite(handle, ByteBuffer.allocate(8), 8, error));
            assertEquals(-Status.INVALID_INPUT, Native.arrivalWrite(handle, chunk, -1, error));
            assertEquals(-Status.BUFFER_TOO_SMALL, Native.arrivalWrite(handle, chunk, 65, error));
            assertEquals(0, Native.arrivalWrite(handle, chunk, 64, error));
            assertEquals(0, Native.arrivalClose(handle, error));
            assertEquals(-Status.CLOSED, Native.arrivalWrite(handle, chunk, 64, error));
            long open = Call.check(Native.trainerOpen(cnn.bundle.toString().getBytes(), new byte[0], error), error);
            long pinned = Call.check(Native.trainerCheckpoint(open, error), error);
            assertEquals(-Status.INVALID_INPUT, Native.checkpointRead(pinned, -1, chunk, error));
            assertEquals(-Status.NULL_POINTER, Native.checkpointRead(pinned, 0, null, error));
            assertEquals(64, Native.checkpointRead(pinned, 0, chunk, error));
            assertEquals(0, Native.checkpointRead(pinned, Long.MAX_VALUE, chunk, error));
            assertEquals(0, Native.checkpointClose(pinned, error));
            assertEquals(0, Native.trainerClose(open, error));
        }
    }
}
