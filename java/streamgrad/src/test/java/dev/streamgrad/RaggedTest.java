package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Rows of any number of values, the ids of tables, and when a batch happened. */
class RaggedTest {
    static final Path EVERY_RAGGED = Recording.folder().resolve("every_ragged.bundle");
    private static final Path IDS = Recording.folder().resolve("ids.bundle");
    private static final BigInteger LARGEST = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

    /** The weight of each field's sum in the model's answer, in eighths. */
    private static final List<String> FIELDS = List.of(
            "of_float32", "of_float64", "of_int8", "of_int16", "of_int32", "of_int64", "of_uint8", "of_uint16", "of_uint32",
            "of_uint64", "of_bool", "of_string");

    private static String refused(Executable call) {
        return assertThrows(InvalidInputException.class, call).getMessage();
    }

    private static Row nothing(Row row) {
        FIELDS.forEach(field -> row.set(field, List.of()));
        return row;
    }

    /** Values of every kind, and what the model makes of their sums. */
    private static void values(Row row) {
        row.set("of_float32", new float[] {0.5f, -1.5f, 4}); // 3 / 8
        row.set("of_float64", new double[] {0.25, 0.75}); // 2 / 8
        row.set("of_int8", new byte[] {-128, 127, 2}); // 3 / 8
        row.set("of_int16", new short[] {-3000, 3001}); // 4 / 8
        row.set("of_int32", new int[] {7}); // 35 / 8
        row.set("of_int64", new long[] {1L << 33, -(1L << 33), 1}); // 6 / 8
        row.set("of_uint8", new byte[] {(byte) 200, 1}); // 1407 / 8
        row.set("of_uint16", List.of(60000, (short) 1)); // 480008 / 8
        row.set("of_uint32", new long[] {}); // 0
        row.set("of_uint64", new Object[] {3, 4L}); // 70 / 8
        row.set("of_bool", new boolean[] {true, false, true}); // 22 / 8
        row.set("of_string", List.of("Ü", "", "four", new byte[] {0, -1})); // 96 / 8
    }

    private static final float ANSWER = (3 + 2 + 3 + 4 + 35 + 6 + 1407 + 480008 + 70 + 22 + 96) / 8f;

    /** Empty rows, rows of values, and rows of one float32 each. */
    private static Batch filled(Trainer trainer) {
        Batch batch = trainer.newBatch(6);
        batch.add(RaggedTest::values);
        batch.add((Row row) -> nothing(row));
        batch.add(row -> nothing(row).set("of_float32", 8));
        batch.add(row -> nothing(row).set("of_string", "eight by").set("of_uint64", 2));
        batch.add(RaggedTest::values);
        return batch;
    }

    private static float[] answers(Predictions predictions) {
        float[] answers = new float[predictions.rows()];
        for (int i = 0; i < answers.length; i++) {
            answers[i] = predictions.value(i);
        }
        return answers;
    }

    @Test
    void theModelSeesEveryValueOfEveryDtype() {
        try (Trainer trainer = Trainer.open(EVERY_RAGGED)) {
            Batch batch = filled(trainer);
            float[] expected = {ANSWER, 0, 1, 12 + 2.5f, ANSWER};
            assertArrayEquals(expected, answers(trainer.predict(batch)), 1e-2f);
            assertArrayEquals(
                    Arrays.copyOfRange(expected, 1, 5), answers(trainer.predict(batch, 1, 4)), 1e-2f, "rows from the middle");
            assertArrayEquals(new float[] {0}, answers(trainer.predict(batch, 1, 1)), "a column without any value");
            try (Predictor predictor = Predictor.of(trainer)) {
                assertArrayEquals(answers(trainer.predict(batch)), answers(predictor.predict(batch)));
            }
            batch.clear();
            batch.add(row -> values(row.set("value", 3)));
            assertEquals(1, trainer.step(batch).version());
        }
    }

    @Test
    void unsignedNumbersReachTheirEnd() {
        try (Trainer trainer = Trainer.open(EVERY_RAGGED)) {
            Batch batch = trainer.newBatch(1);
            batch.add(row -> nothing(row).set("of_uint64", List.of(LARGEST)));
            assertEquals(0x1p64f * 10 / 8, trainer.predict(batch).value(0));
            batch.clear();
            assertTrue(refused(() -> batch.add(row -> nothing(row).set("of_uint64", List.of(LARGEST.add(BigInteger.ONE)))))
                    .contains("of_uint64"));
            assertTrue(refused(() -> batch.add(row -> nothing(row).set("of_int64", List.of(LARGEST)))).contains("of_int64"));
            assertTrue(refused(() -> batch.add(row -> nothing(row).set("of_uint64", -1))).contains("of_uint64"));
        }
    }

    @Test
    void theSchemaSaysWhatIsRagged() {
        try (Trainer trainer = Trainer.open(IDS)) {
            Schema schema = trainer.schema();
            assertEquals("[user string[], friends string[ragged], items int64[ragged], hour float32[1]]", schema.features().toString());
            assertTrue(schema.features().get(1).ragged());
            assertFalse(schema.features().get(0).ragged());
            assertTrue(schema.needsEventTime());
            try (Predictor predictor = Predictor.of(trainer)) {
                assertFalse(predictor.schema().needsEventTime(), "predicting expires nothing");
                assertTrue(predictor.schema().fits(schema));
            }
        }
        try (Trainer trainer = Trainer.open(EVERY_RAGGED)) {
            assertFalse(trainer.schema().needsEventTime());
        }
    }

    @Test
    void aRefusedRowLeavesNothingBehind() {
        try (Trainer trainer = Trainer.open(EVERY_RAGGED)) {
            Batch batch = filled(trainer);
            int heap = batch.heap().size();
            float[] before = answers(trainer.predict(batch));
            assertTrue(refused(() -> batch.add(row -> nothing(row).set("of_float32", new float[] {1, Float.NaN}))).contains("finite"));
            assertTrue(refused(() -> batch.add(row -> nothing(row).set("of_int8", new int[] {1, 128}))).contains("of_int8 is 128"));
            assertTrue(refused(() -> batch.add(row -> nothing(row).set("of_bool", 2))).contains("of_bool is 2"));
            assertTrue(refused(() -> batch.add(row -> nothing(row).set("of_string", new int[] {2}))).contains("not a number"));
            assertTrue(refused(() -> batch.add(row -> nothing(row).set("of_int32", List.of("x")))).contains("not a string"));
            assertTrue(refused(() -> batch.add(row -> nothing(row).set("of_string", Arrays.asList("x", null)))).contains("null"));
            assertTrue(refused(() -> batch.add(row -> nothing(row).set("of_string", (Object) null))).contains("null: of_string"));
            assertTrue(refused(() -> batch.add(row -> row.set("of_float32", 1))).endsWith("set field of_float64"));
            assertTrue(refused(() -> batch.add(row -> nothing(row).set("value", new float[] {1, 2}))).contains("takes one value"));
            assertEquals(heap, batch.heap().size());
            assertArrayEquals(before, answers(trainer.predict(batch)));
            // What a caller goes on from inside a row.
            batch.add(row -> {
                values(row);
                refused(() -> row.set("of_int32", new int[] {1, 2}).set("of_int32", List.of(5, "x")));
                refused(() -> row.set("of_int32", new char[] {'x'}));
                row.set("of_float64", new double[] {0.25, 0.75});
                row.set("of_int32", 7);
            });
            assertEquals(ANSWER, trainer.predict(batch).value(5), 1e-2f);
            batch.removeLast();
            assertEquals(heap, batch.heap().size());
        }
    }

    @Test
    void manyValuesGrowTheHeap() {
        try (Trainer trainer = Trainer.open(EVERY_RAGGED)) {
            Batch batch = trainer.newBatch(3);
            List<String> words = new ArrayList<>();
            for (int i = 0; i < 3000; i++) {
                words.add("word".repeat(i % 5));
            }
            long[] numbers = new long[5000];
            Arrays.fill(numbers, 2);
            for (int i = 0; i < 3; i++) {
                batch.add(row -> nothing(row).set("of_string", words).set("of_int64", numbers));
            }
            float answer = 600 * 40 * 12 / 8f + 10000 * 6 / 8f;
            assertArrayEquals(new float[] {answer, answer, answer}, answers(trainer.predict(batch)));
        }
    }

    @Test
    void rowsAndEventTimeSurviveWriteAndRead() throws IOException {
        try (Trainer trainer = Trainer.open(EVERY_RAGGED)) {
            Batch batch = filled(trainer);
            batch.eventTime(1_767_225_600_000L);
            byte[] written = written(batch);
            Batch other = trainer.newBatch(5);
            other.read(new DataInputStream(new ByteArrayInputStream(written)));
            assertEquals(OptionalLong.of(1_767_225_600_000L), other.eventTime());
            assertArrayEquals(answers(trainer.predict(batch)), answers(trainer.predict(other)));
            assertArrayEquals(written, written(other));
            for (int cut = 0; cut < written.length; cut += 7) {
                byte[] part = Arrays.copyOf(written, cut);
                assertThrows(IOException.class, () -> other.read(new DataInputStream(new ByteArrayInputStream(part))));
                assertEquals(0, other.rows() + other.heap().size());
                assertEquals(OptionalLong.empty(), other.eventTime());
            }
            // The number of the first row's values, which begin behind mark, fingerprint, rows, event time, labels.
            written[25] = -1;
            String damaged = refused(() -> other.read(new DataInputStream(new ByteArrayInputStream(written))));
            assertTrue(damaged.contains("damaged"), damaged);
        }
    }

    private static byte[] written(Batch batch) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        batch.write(new DataOutputStream(bytes));
        return bytes.toByteArray();
    }

    private static void visit(Row row, String user, List<String> friends, long... items) {
        row.set("user", user).set("friends", friends).set("items", items).set("hour", 12).set("clicked", true);
    }

    @Test
    void idsAreLearnedWhereTheEventTimeIsKnown() {
        try (Trainer trainer = Trainer.open(IDS)) {
            Batch batch = trainer.newBatch(4);
            batch.add(row -> visit(row, "ann", List.of()));
            batch.add(row -> visit(row, "bob", List.of()));
            batch.add(row -> visit(row, "ann", List.of("eve", "bob"), 31, Long.MIN_VALUE, 31));
            batch.add(row -> visit(row, "ann", List.of(), 31));
            String missing = refused(() -> trainer.step(batch));
            assertTrue(missing.contains("set the batch's event time: the rows of table item expire by it"), missing);
            assertTrue(refused(() -> batch.eventTime(-1)).endsWith("not before: -1"));
            assertEquals(0, trainer.version());
            batch.eventTime(1_767_225_600_000L);
            float[] clicks = answers(trainer.step(batch).predictions());
            for (int i = 1; i < clicks.length; i++) {
                assertTrue(clicks[i] != clicks[i - 1], "an id of its own has a row of its own");
            }
            batch.clear();
            assertEquals(OptionalLong.empty(), batch.eventTime());
        }
    }
}
