package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the native side itself refuses, whatever Java's own checks would have caught before. */
class BoundaryTest {
    private static final int CAPACITY = Recording.ROWS;

    private final ByteBuffer error = Call.newError();
    private final Recording recording = Recording.of("wide_deep-sgd");
    private long handle;
    private Schema schema;
    private Batch batch;

    @BeforeEach
    void open() {
        NativeLoader.load(null);
        handle = Call.check(Native.trainerOpen(utf8(recording.bundle.toString()), new byte[0], error), error);
        schema = new Schema(Native.trainerSchema(handle, error));
        batch = new Batch(schema, CAPACITY);
        recording.fill(batch, 0);
    }

    @AfterEach
    void nothingChanged() {
        assertEquals(0, Native.trainerVersion(handle, error));
        assertEquals(1, step(batch.slab(), CAPACITY, CAPACITY), "the trainer still learns");
        assertEquals(0, Native.trainerClose(handle, error));
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private long step(ByteBuffer slab, int capacity, int rows) {
        return Native.trainerStep(
                handle, slab, capacity, rows, batch.heap().bytes(), batch.heap().size(), Batch.NO_EVENT_TIME, null, 0,
                batch.call().results(), error);
    }

    private long step(ByteBuffer slab, ByteBuffer results) {
        return Native.trainerStep(
                handle, slab, CAPACITY, CAPACITY, batch.heap().bytes(), batch.heap().size(), Batch.NO_EVENT_TIME, null, 0, results, error);
    }

    private long predict(ByteBuffer slab, int capacity, int first, int rows) {
        return Native.trainerPredict(
                handle, slab, capacity, first, rows, batch.heap().bytes(), batch.heap().size(),
                batch.call().results(), error);
    }

    private void refused(int status, String text, long result) {
        assertEquals(-status, result);
        assertEquals(status, error.getInt(Call.ERROR_STATUS));
        String message = Call.failure(error).getMessage();
        assertTrue(message.contains(text), message);
    }

    private void refused(int status, String text, byte[] answer) {
        assertNull(answer);
        refused(status, text, -error.getInt(Call.ERROR_STATUS));
    }

    @Test
    void aHandleThatIsNotOpenIsClosed() {
        long stale = Call.check(Native.trainerOpen(utf8(recording.bundle.toString()), new byte[0], error), error);
        assertEquals(0, Native.trainerClose(stale, error));
        assertEquals(0, Native.trainerClose(stale, error), "closing twice is no error");
        long mine = handle;
        // Zero, never given out, closed, another generation, another type of object.
        for (long wrong : new long[] {0, -1, Long.MAX_VALUE, stale, mine + 1, mine ^ (1L << 57)}) {
            String hex = Long.toHexString(wrong);
            handle = wrong;
            refused(Status.CLOSED, hex, step(batch.slab(), CAPACITY, 1));
            refused(Status.CLOSED, hex, predict(batch.slab(), CAPACITY, 0, 1));
            refused(Status.CLOSED, hex, Native.trainerVersion(wrong, error));
            refused(Status.CLOSED, hex, Native.trainerMemory(wrong, error));
            refused(Status.CLOSED, hex, Native.trainerMetrics(wrong, batch.call().results(), error));
            refused(Status.CLOSED, hex, Native.trainerParameter(wrong, utf8("x"), batch.slab(), error));
            refused(Status.CLOSED, hex, Native.trainerSchema(wrong, error));
            refused(Status.CLOSED, hex, Native.trainerPosition(wrong, error));
            refused(Status.CLOSED, hex, Native.trainerSave(wrong, error));
            refused(Status.CLOSED, hex, Native.trainerRollback(wrong, 1, 2, error));
            refused(Status.CLOSED, hex, Native.trainerKeptVersions(wrong, error));
            refused(Status.CLOSED, hex, Native.trainerStoreStatus(wrong, error));
            assertEquals(0, Native.trainerClose(wrong, error));
        }
        handle = mine;
    }

    @Test
    void nullIsAnError() {
        refused(Status.NULL_POINTER, "slab", step(null, CAPACITY, 1));
        refused(Status.NULL_POINTER, "slab", predict(null, CAPACITY, 0, 1));
        refused(Status.NULL_POINTER, "path", Native.trainerOpen(null, new byte[0], error));
        refused(Status.NULL_POINTER, "options", Native.trainerOpen(utf8("x"), null, error));
        refused(Status.NULL_POINTER, "results", Native.trainerMetrics(handle, null, error));
        refused(Status.NULL_POINTER, "name", Native.trainerParameter(handle, null, batch.slab(), error));
        refused(Status.NULL_POINTER, "values", Native.trainerParameter(handle, utf8(schema.parameters().get(0)), null, error));
        ByteBuffer results = batch.call().results();
        refused(Status.NULL_POINTER, "heap", Native.trainerStep(handle, batch.slab(), CAPACITY, 1, null, 9, Batch.NO_EVENT_TIME, null, 0, results, error));
        ByteBuffer heap = batch.heap().bytes();
        refused(Status.NULL_POINTER, "results", Native.trainerStep(handle, batch.slab(), CAPACITY, 1, heap, 9, Batch.NO_EVENT_TIME, null, 0, null, error));
        // Without a place for the text the code has to do.
        assertEquals(-Status.CLOSED, Native.trainerVersion(0, null));
        assertEquals(-Status.CLOSED, Native.trainerVersion(0, ByteBuffer.allocateDirect(4)));
    }

    @Test
    void memoryThatDoesNotFitIsRefused() {
        refused(Status.INVALID_INPUT, "direct", step(ByteBuffer.allocate(1 << 16), CAPACITY, 1));
        ByteBuffer room = Layout.allocate(1 << 16);
        refused(Status.MISALIGNED, "64 bytes: slab", step(room.position(4).slice(), CAPACITY, 1));
        refused(Status.MISALIGNED, "64 bytes: slab", predict(room.position(32).slice(), CAPACITY, 0, 1));
        int bytes = batch.layout().bytes();
        refused(Status.BUFFER_TOO_SMALL, "not " + (bytes - 1), step(batch.slab().duplicate().limit(bytes - 1).slice(), CAPACITY, 1));
        refused(Status.BUFFER_TOO_SMALL, "slab", predict(batch.slab(), 100_000, 0, 1));
        ByteBuffer results = batch.call().results();
        ByteBuffer heap = batch.heap().bytes();
        ByteBuffer tiny = Layout.allocate(64).limit(8).slice();
        refused(Status.BUFFER_TOO_SMALL, "heap", Native.trainerStep(handle, batch.slab(), CAPACITY, 1, tiny, 9, Batch.NO_EVENT_TIME, null, 0, results, error));
        refused(Status.BUFFER_TOO_SMALL, "results", Native.trainerStep(handle, batch.slab(), CAPACITY, 1, heap, 9, Batch.NO_EVENT_TIME, null, 0, tiny, error));
        refused(Status.BUFFER_TOO_SMALL, "results", Native.trainerMetrics(handle, tiny, error));
        ByteBuffer report = results.duplicate().limit(results.capacity() - 64).slice();
        refused(Status.BUFFER_TOO_SMALL, "results", step(batch.slab(), report));
        refused(Status.BUFFER_TOO_SMALL, "values",
                Native.trainerParameter(handle, utf8(schema.parameters().get(0)), tiny, error));
    }

    @Test
    void aPositionThatCannotBeReadIsRefused() {
        refused(Status.INVALID_INPUT, "direct", stepTo(ByteBuffer.allocate(8), 8));
        refused(Status.BUFFER_TOO_SMALL, "position", stepTo(Layout.allocate(64), 65));
        refused(Status.INVALID_INPUT, "position bytes is -1", stepTo(Layout.allocate(64), -1));
        assertEquals(1, Native.trainerPosition(handle, error).length);
    }

    private long stepTo(ByteBuffer position, int bytes) {
        return Native.trainerStep(
                handle, batch.slab(), CAPACITY, CAPACITY, batch.heap().bytes(), batch.heap().size(), Batch.NO_EVENT_TIME, position,
                bytes, batch.call().results(), error);
    }

    @Test
    void numbersOutOfRangeAreRefused() {
        refused(Status.INVALID_INPUT, "rows is -1", step(batch.slab(), CAPACITY, -1));
        refused(Status.INVALID_INPUT, "capacity is -1", step(batch.slab(), -1, 1));
        refused(Status.INVALID_INPUT, "capacity of 16", step(batch.slab(), CAPACITY, CAPACITY + 1));
        refused(Status.INVALID_INPUT, "empty", step(batch.slab(), CAPACITY, 0));
        refused(Status.INVALID_INPUT, "first row is -1", predict(batch.slab(), CAPACITY, -1, 1));
        refused(Status.INVALID_INPUT, "from row 16", predict(batch.slab(), CAPACITY, 16, 1));
        refused(Status.INVALID_INPUT, "heap bytes is -1",
                Native.trainerPredict(handle, batch.slab(), CAPACITY, 0, 1, batch.heap().bytes(), -1,
                        batch.call().results(), error));
    }

    @Test
    void columnsThatNoModelMaySeeAreRefused() {
        // Airline (string), airports (2 of int32), numbers (4 of float32), label.
        ByteBuffer slab = Layout.allocate(batch.layout().bytes());
        slab.put(batch.slab().duplicate()).clear();
        int number = batch.layout().offset(2) + (3 * 4 + 1) * 4;
        for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
            slab.putFloat(number, bad);
            refused(Status.INVALID_INPUT, "row 3: numbers", step(slab, CAPACITY, CAPACITY));
            refused(Status.INVALID_INPUT, "row 3: numbers", predict(slab, CAPACITY, 0, CAPACITY));
        }
        slab.putFloat(number, 0);
        int label = batch.layout().offset(3) + 5 * 4;
        slab.putFloat(label, 2);
        refused(Status.INVALID_INPUT, "row 5: label must be from 0 to 1", step(slab, CAPACITY, CAPACITY));
        assertEquals(0, predict(slab, CAPACITY, 0, CAPACITY), "predicting does not look at labels");
        slab.putFloat(label, 1);
        slab.putInt(8, batch.heap().size());
        refused(Status.INVALID_INPUT, "airline", step(slab, CAPACITY, CAPACITY));
        slab.putInt(8, -1);
        refused(Status.INVALID_INPUT, "airline", predict(slab, CAPACITY, 0, CAPACITY));
    }

    @Test
    void anEventTimeBefore1970IsRefused() {
        for (long wrong : new long[] {-1, Long.MIN_VALUE + 1}) {
            refused(Status.INVALID_INPUT, "not before: " + wrong,
                    Native.trainerStep(handle, batch.slab(), CAPACITY, CAPACITY, batch.heap().bytes(), batch.heap().size(), wrong,
                            null, 0, batch.call().results(), error));
        }
    }

    @Test
    void raggedRowsThatLeadAstrayAreRefused() {
        long mine = handle;
        handle = Call.check(Native.trainerOpen(utf8(RaggedTest.EVERY_RAGGED.toString()), new byte[0], error), error);
        Schema ragged = new Schema(Native.trainerSchema(handle, error));
        Batch rows = new Batch(ragged, 2);
        for (int i = 0; i < 2; i++) {
            rows.add(row -> {
                ragged.features().forEach(column -> row.set(column.name(), List.of()));
                row.set("of_float64", new double[] {1, 2}).set("of_string", List.of("a", "bc"));
            });
        }
        ByteBuffer slab = rows.slab();
        int numbers = rows.layout().offset(1);
        int strings = rows.layout().offset(11);
        int end = rows.heap().size();
        int kept = slab.getInt(numbers);
        int first = slab.getInt(strings);
        for (int[] slot : new int[][] {{end, 1}, {end - 8, 2}, {-1, 1}, {0, -1}, {-1, -1}, {end + 1, 0}, {end - 7, 1}}) {
            RowMemory.slot(slab, numbers, slot[0], slot[1]);
            refused(Status.INVALID_INPUT, "within the heap: of_float64", predict(rows, 0, 2));
            assertEquals(0, predict(rows, 1, 1), "the other row does not lead there");
            RowMemory.slot(slab, numbers, kept, 2);
            RowMemory.slot(slab, strings, slot[0], slot[1]);
            refused(Status.INVALID_INPUT, "within the heap: of_string", predict(rows, 0, 2));
            RowMemory.slot(slab, strings, first, 2);
        }
        // Two rows of nearly the whole heap each.
        RowMemory.slot(slab, numbers, 0, end / 8);
        RowMemory.slot(slab, numbers + Layout.SLOT, 0, end / 8);
        refused(Status.INVALID_INPUT, "do not overlap: of_float64", predict(rows, 0, 2));
        RowMemory.slot(slab, numbers, kept, 2);
        RowMemory.slot(slab, numbers + Layout.SLOT, kept, 2);
        // A string of a row that lies outside.
        for (int[] slot : new int[][] {{end, 1}, {-1, 0}, {0, -1}}) {
            RowMemory.slot(rows.heap().bytes(), first + Layout.SLOT, slot[0], slot[1]);
            refused(Status.INVALID_INPUT, "of_string", predict(rows, 0, 2));
        }
        RowMemory.slot(rows.heap().bytes(), first + Layout.SLOT, first, 0);
        assertEquals(0, predict(rows, 0, 2));
        assertEquals(0, Native.trainerClose(handle, error));
        handle = mine;
    }

    private long predict(Batch rows, int from, int count) {
        return Native.trainerPredict(
                handle, rows.slab(), rows.capacity(), from, count, rows.heap().bytes(), rows.heap().size(),
                rows.call().predictionsBuffer(), error);
    }

    @Test
    void anOptionOfAnotherBuildIsRefused() {
        byte[] path = utf8(recording.bundle.toString());
        refused(Status.INVALID_INPUT, "unknown: color", Native.trainerOpen(path, utf8("color=red\n"), error));
        refused(Status.INVALID_INPUT, "unknown: store_color",
                Native.trainerOpen(path, utf8("store_color=red\n"), error));
        refused(Status.INVALID_INPUT, "unknown: color",
                Native.trainerOpen(path, utf8("store=/nowhere/at/all\nstore_color=red\n"), error));
        refused(Status.INVALID_INPUT, "key=value", Native.trainerOpen(path, utf8("color\n"), error));
        refused(Status.INVALID_INPUT, "UTF-8: options", Native.trainerOpen(path, new byte[] {(byte) 0xFF}, error));
    }

    @Test
    void aSavedModelNeedsAllItsArguments() {
        ByteBuffer written = Layout.allocate(2 * Long.BYTES);
        byte[] bundle = utf8("bundle");
        byte[] options = utf8("folder=served\n");
        refused(Status.NULL_POINTER, "path", Native.savedModelWrite(null, options, written, error));
        refused(Status.NULL_POINTER, "options", Native.savedModelWrite(bundle, null, written, error));
        refused(Status.NULL_POINTER, "written", Native.savedModelWrite(bundle, options, null, error));
        ByteBuffer small = ByteBuffer.allocateDirect(Long.BYTES);
        refused(Status.BUFFER_TOO_SMALL, "written", Native.savedModelWrite(bundle, options, small, error));
        refused(Status.INVALID_INPUT, "name the folder", Native.savedModelWrite(bundle, utf8(""), written, error));
        refused(Status.INVALID_INPUT, "color", Native.savedModelWrite(bundle, utf8("color=red\n"), written, error));
    }

    @Test
    void aLongTextIsCutAtACharacter() {
        String long3 = "日".repeat(3000);
        assertEquals(-Status.INVALID_INPUT, Native.trainerParameter(handle, utf8(long3), batch.slab(), error));
        String message = Call.failure(error).getMessage();
        assertTrue(message.endsWith("日"), message.substring(message.length() - 5));
        int length = error.getInt(Call.ERROR_LENGTH);
        int room = Call.ERROR_BYTES - Call.ERROR_TEXT;
        assertTrue(length <= room && length > room - 3, length + " of " + room);
        ByteBuffer small = ByteBuffer.allocateDirect(Call.ERROR_TEXT + 10).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(-Status.CLOSED, Native.trainerVersion(0, small));
        assertEquals(10, small.getInt(Call.ERROR_LENGTH));
    }

    @Test
    void theLibraryIsOfThisBuild() {
        assertEquals(Native.ABI, Native.abi());
    }
}
