package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SavedModels that TensorFlow and Keras wrote, and graphs that a JSON describes. */
class SavedModelTest {
    private static Path saved(String name) {
        return Recording.folder().resolve("saved").resolve(name);
    }

    private static Predictor words(String signature) {
        return Predictor.builder(saved("words")).signature(signature).open();
    }

    @Test
    void aSignatureIsChosen() {
        try (Predictor predictor = words("double")) {
            Batch batch = predictor.newBatch(2);
            batch.add(row -> row.set("x", 1.5));
            batch.add(row -> row.set("x", -2));
            assertEquals(3f, predictor.predict(batch).value(0));
            assertEquals(-4f, predictor.predict(batch).value(1));
        }
        String message = assertThrows(BundleException.class, () -> Predictor.builder(saved("words")).open()).getMessage();
        assertTrue(message.contains("name one of double, find"), message);
        assertThrows(BundleException.class, () -> words("other"));
    }

    @Test
    void stringsComeOutAsBytesAndText() {
        try (Predictor predictor = words("find")) {
            Batch batch = predictor.newBatch(3);
            byte[] binary = {(byte) 0xFF, 0};
            batch.add(row -> row.set("words", List.of("late", "\u00dcn\u00efted")));
            batch.add(row -> row.set("words", List.of(binary, "")));
            batch.add(row -> row.set("words", List.of("none", "rain")));
            Predictions predictions = predictor.predict(batch);
            Predictions.Output joined = predictions.output("joined");
            assertEquals("late+\u00dcn\u00efted", joined.text(0, 0));
            assertArrayEquals(new byte[] {(byte) 0xFF, 0, '+'}, joined.bytes(1, 0));
            assertEquals("none+rain", joined.text(2, 0));
            assertEquals(2, predictions.output("place").longValue(0, 1));
            assertEquals(-1, predictions.output("place").longValue(2, 0));
            assertThrows(InvalidInputException.class, () -> joined.value(0, 0));
            assertThrows(InvalidInputException.class, () -> joined.text(3, 0));
            assertThrows(InvalidInputException.class, () -> predictions.output("place").bytes(0, 0));

            Predictions last = predictor.predict(batch, 2, 1);
            assertEquals("none+rain", last.output("joined").text(0, 0));
        }
    }

    @Test
    void stringsLongerThanTheRoomAreAskedForAgain() {
        try (Predictor predictor = words("find")) {
            Batch batch = predictor.newBatch(4);
            for (int length : new int[] {1, 5_000, 1_000_000, 3}) {
                String word = "\u00e4".repeat(length);
                batch.clear();
                for (int i = 0; i < 4; i++) {
                    String last = Integer.toString(i);
                    batch.add(row -> row.set("words", List.of(word, last)));
                }
                Predictions predictions = predictor.predict(batch);
                for (int i = 0; i < 4; i++) {
                    assertEquals(word + "+" + i, predictions.output("joined").text(i, 0));
                }
            }
        }
    }

    private static final double[][] FLOATS = {{1.5, -2.25}, {0.125, 60_000}};
    private static final List<String> REALS = List.of("float16", "bfloat16", "float32", "float64");
    private static final List<String> INTEGERS =
            List.of("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64");

    /** Two rows of every dtype; each of the outputs has them in reverse order. */
    private static Predictions everyDtype(Predictor predictor, Consumer<Row> more) {
        Batch batch = predictor.newBatch(2);
        for (int i = 0; i < 2; i++) {
            double[] floats = FLOATS[i];
            long[] integers = {i, 100 + i};
            double[] complex = {1 + i, -2, 0.1, 1e30};
            String text = "row " + i;
            batch.add(row -> {
                REALS.forEach(dtype -> row.set("x_" + dtype, floats));
                INTEGERS.forEach(dtype -> row.set("x_" + dtype, integers));
                row.set("x_complex64", complex).set("x_complex128", complex);
                row.set("x_bool", new boolean[] {true, false}).set("x_string", text);
                more.accept(row);
            });
        }
        return predictor.predict(batch);
    }

    @Test
    void everyDtypeGoesThrough() {
        try (Predictor predictor = Predictor.builder(saved("dtypes")).open()) {
            List<DType> taken =
                    predictor.schema().columns().stream().map(Column::dtype).distinct().collect(Collectors.toList());
            assertEquals(DType.values().length, taken.size(), taken::toString);
            Predictions found = everyDtype(predictor, row -> {});
            for (int i = 0; i < 2; i++) {
                for (String dtype : REALS) {
                    // bfloat16 has eight bits of fraction.
                    double[] wanted = dtype.equals("bfloat16") && i == 0 ? new double[] {0.125, 59_904} : FLOATS[1 - i];
                    assertArrayEquals(wanted, found.output("y_" + dtype).doubles(i), dtype);
                }
                for (String dtype : INTEGERS) {
                    assertEquals(101 - i, found.output("y_" + dtype).longValue(i, 1), dtype);
                }
                assertArrayEquals(new double[] {2 - i, -2, 0.1, 1e30}, found.output("y_complex128").doubles(i));
                assertArrayEquals(new float[] {2 - i, -2, 0.1f, 1e30f}, found.output("y_complex64").row(i));
                assertEquals(1, found.output("y_bool").longValue(i, 0));
                assertEquals("row " + (1 - i), found.output("y_string").text(i, 0));
            }
            assertThrows(InvalidInputException.class, () -> found.output("y_float16").longValue(0, 0));
            assertThrows(InvalidInputException.class, () -> found.output("y_complex64").value(0, 4));

            for (Object[] refused : new Object[][] {
                {"x_float16", new double[] {65_520, 0}, "too large for float16"},
                {"x_bfloat16", new double[] {0, 3.4e38}, "too large for bfloat16"},
                {"x_complex64", new double[] {0, 1e300, 0, 0}, "too large for complex64"},
                {"x_complex128", new double[] {0, 1}, "it takes 4 values, not 2"},
                {"x_float16", new double[] {Double.NaN, 0}, "finite"},
            }) {
                String message = assertThrows(
                                InvalidInputException.class,
                                () -> everyDtype(predictor, row -> row.set((String) refused[0], (double[]) refused[1])))
                        .getMessage();
                assertTrue(message.contains((String) refused[2]), message);
            }
        }
        String message =
                assertThrows(BundleException.class, () -> Predictor.builder(saved("quantised")).open()).getMessage();
        assertTrue(message.contains("qint8"), message);
    }

    @Test
    void aFolderOfNumberedSavedModels() {
        try (Predictor predictor = Predictor.numbered(saved("numbered"))
                .signature("serving_default")
                .every(Duration.ZERO)
                .open()) {
            assertEquals(10, predictor.version().number());
            assertEquals(2, predictor.switchTo(2).number());
            Batch batch = predictor.newBatch(1);
            batch.add(row -> row.set("numbers", new float[] {1, 2, 3}).set("carrier", 4));
            assertEquals(2, predictor.predict(batch).output("delay").row(0).length);
        }
    }

    /** The ancestor's format and a bare graph; the losses are those that TensorFlow has in Python. */
    @ParameterizedTest
    @ValueSource(strings = {"mlp", "bare"})
    void aDescribedGraphLearns(String name) throws IOException {
        Recording recorded = new Recording(Recording.folder().resolve("ancestor"), name);
        Path json = Recording.folder().resolve("ancestor").resolve(name + ".json");
        assertTrue(Files.exists(json));
        float[] losses = recorded.floats("loss");
        float[] x = recorded.floats("x");
        float[] y = recorded.floats("y");
        try (Trainer trainer = Trainer.open(json)) {
            int inputs = trainer.schema().features().get(0).elements();
            int classes = trainer.schema().labels().get(0).elements();
            int rows = x.length / losses.length / inputs;
            Batch batch = trainer.newBatch(rows);
            for (int step = 0; step < 10; step++) {
                batch.clear();
                for (int i = 0; i < rows; i++) {
                    int at = step * rows + i;
                    batch.add(row -> {
                        List<Field> fields = trainer.schema().fields();
                        for (int j = 0; j < fields.size(); j++) {
                            Field field = fields.get(j);
                            boolean label = field.column().role() == Column.Role.LABEL;
                            int width = label ? classes : inputs;
                            int from = at * width + (label ? 0 : field.elements() == 1 ? j : 0);
                            row.set(j, Arrays.copyOfRange(label ? y : x, from, from + field.elements()));
                        }
                    });
                }
                assertEquals(losses[step], trainer.step(batch).loss(), 1e-5 * Math.max(1, losses[step]));
            }
        }
    }

    @Test
    void aSavedModelDoesNotLearn() {
        String message =
                assertThrows(StreamgradException.class, () -> Trainer.open(saved("keras"))).getMessage();
        assertTrue(message.contains("streamgrad.export"), message);
    }

    @Test
    void halvesAreThoseOfFloats() {
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES).order(ByteOrder.BIG_ENDIAN);
        for (int bits = 0; bits < 1 << 16; bits++) {
            float wide = bytes.putShort(0, (short) bits).putShort(2, (short) 0).getFloat(0);
            assertEquals(wide, Half.BFLOAT16.number((short) bits));
            for (Half half : new Half[] {Half.FLOAT16, Half.BFLOAT16}) {
                float number = half.number((short) bits);
                if (!Float.isNaN(number)) {
                    assertEquals((short) bits, half.bits(number), () -> number + " of " + bytes);
                }
            }
        }
        // Ties go to the even neighbour; half of the smallest is nothing, more of it is the smallest.
        assertEquals(0x3C00, Half.FLOAT16.bits(1 + 0x1p-11));
        assertEquals(0x3C02, Half.FLOAT16.bits(1 + 3 * 0x1p-11));
        assertEquals(0, Half.FLOAT16.bits(0x1p-25));
        assertEquals(1, Half.FLOAT16.bits(0x1.8p-25));
        assertEquals(0x400, Half.FLOAT16.bits(0x1p-14 - 0x1p-26));
        assertEquals(0x7BFF, Half.FLOAT16.bits(65_519));
        assertEquals(0x7C00, Half.FLOAT16.bits(65_520));
        assertEquals(0x7C00, Half.FLOAT16.bits(Double.MAX_VALUE));
        assertTrue(Float.isNaN(Half.FLOAT16.number(Half.FLOAT16.bits(Double.NaN))));
    }
}
