package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Models of less usual shapes: every dtype, a weight, several outputs, a graph that reaches out. */
class ShapesTest {
    private static final Path EVERY_DTYPE = Recording.folder().resolve("every_dtype.bundle");
    private static final Path TWO_OUTPUTS = Recording.folder().resolve("two_outputs.bundle");
    private static final Path READS_FILE = Recording.folder().resolve("reads_file.bundle");

    private static Row features(Row row, int i) {
        return row.set("of_float32", new float[] {i, 0.5f}).set("of_float64", new double[] {i, 0.25})
                .set("of_int32", new int[] {i, -1}).set("of_int64", new long[] {i, 20})
                .set("of_uint8", new byte[] {(byte) i, (byte) 200}).set("of_bool", List.of(true, i % 2 == 0))
                .set("of_string", "Ünited ✈ " + i);
    }

    @Test
    void everyDtypeAndAWeight() {
        try (Trainer trainer = Trainer.open(EVERY_DTYPE)) {
            assertEquals("weight float32[]", trainer.schema().weight().orElseThrow().toString());
            Batch batch = trainer.newBatch(8);
            for (int i = 0; i < 3; i++) {
                int index = i;
                batch.add(row -> features(row, index).set("value", index).set("weight", index == 1 ? 1 : 0));
            }
            float loss = trainer.step(batch).loss();
            assertTrue(Float.isFinite(loss) && loss > 0, "loss " + loss);

            // A row alone is predicted as among others, and what has no label is predicted the same.
            Predictions all = trainer.predict(batch);
            Predictions last = trainer.predict(batch, 2, 1);
            assertEquals(all.value(2), last.value(0), 1e-5f * Math.abs(all.value(2)));
            Batch unlabelled = trainer.newBatch(1);
            unlabelled.add(row -> features(row, 2));
            assertEquals(last.value(0), trainer.predict(unlabelled).value(0), 0f);
            assertThrows(InvalidInputException.class, () -> trainer.step(unlabelled));
            assertThrows(InvalidInputException.class, () -> batch.add(row -> features(row, 3).set("value", 1).set("weight", -1)));
            assertThrows(InvalidInputException.class, () -> batch.add(row -> features(row, 3).set("value", 1)));
            assertEquals(3, batch.rows());
        }
    }

    @Test
    void aRowOfWeightZeroIsNotLearned() {
        try (Trainer all = Trainer.open(EVERY_DTYPE);
                Trainer weighed = Trainer.open(EVERY_DTYPE)) {
            Batch batch = all.newBatch(2);
            batch.add(row -> features(row, 1).set("value", 1).set("weight", 1));
            batch.add(row -> features(row, 2).set("value", 1e6).set("weight", 0));
            float loss = weighed.step(batch).loss();
            batch.clear();
            batch.add(row -> features(row, 1).set("value", 1).set("weight", 1));
            batch.add(row -> features(row, 2).set("value", 1e6).set("weight", 1));
            assertTrue(all.step(batch).loss() > 1000 * loss);
        }
    }

    @Test
    void severalOutputsAreTakenByName() {
        try (Trainer trainer = Trainer.open(TWO_OUTPUTS)) {
            Batch batch = trainer.newBatch(5);
            for (int i = 0; i < 3; i++) {
                int index = i;
                batch.add(row -> row.set("numbers", new float[] {index, 1, 2, 3, 4}).set("the_kind", index)
                        .set("width", 0.5 * index).set("height", 1));
            }
            Predictions before = trainer.predict(batch);
            Report report = trainer.step(batch);
            for (int row = 0; row < 3; row++) {
                float[] kind = report.predictions().output("kind").row(row);
                float[] size = report.predictions().output("size").row(row);
                assertEquals(4, kind.length);
                assertEquals(2, size.length);
                assertEquals(1, kind[0] + kind[1] + kind[2] + kind[3], 1e-5);
                assertArrayEquals(before.output("kind").row(row), kind, 1e-6f);
                assertArrayEquals(before.output("size").row(row), size, 1e-6f);
            }
            InvalidInputException e = assertThrows(InvalidInputException.class, () -> before.row(0));
            assertTrue(e.getMessage().contains("by name: [kind float32[4], size float32[2]]"), e.getMessage());
            assertEquals(3, report.metrics().names().size());
        }
    }

    @Test
    void labelsComeAllOrNone() {
        try (Trainer trainer = Trainer.open(TWO_OUTPUTS)) {
            Batch batch = trainer.newBatch(5);
            InvalidInputException e = assertThrows(
                    InvalidInputException.class,
                    () -> batch.add(row -> row.set("numbers", new float[5]).set("the_kind", 1).set("width", 2)));
            assertTrue(e.getMessage().endsWith("set field height"), e.getMessage());
            batch.add(row -> row.set("numbers", new float[5]));
            assertEquals(1, batch.unlabelledRows());
        }
    }

    @Test
    void aGraphThatReachesOutIsRefusedUnlessAllowed() {
        BundleException e = assertThrows(BundleException.class, () -> Trainer.open(READS_FILE));
        assertEquals(Status.REFUSED_GRAPH, e.status());
        assertTrue(e.getMessage().contains("ReadFile"), e.getMessage());
        assertThrows(BundleException.class, () -> Trainer.builder(READS_FILE).allowOp("WriteFile").open());
        try (Trainer trainer = Trainer.builder(READS_FILE).allowOp("ReadFile").open()) {
            assertFalse(trainer.parameterNames().isEmpty());
        }
    }
}
