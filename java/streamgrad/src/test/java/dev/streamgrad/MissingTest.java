package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Values that may be missing; the model's answer says what it saw. */
class MissingTest {
    private static final Path GAPS = Recording.folder().resolve("transforms_gaps.bundle");

    @Test
    void theSchemaSaysWhatMayBeMissing() {
        try (Trainer trainer = Trainer.open(GAPS)) {
            List<String> optional = trainer.schema().features().stream()
                    .filter(Column::optional)
                    .map(Column::name)
                    .sorted()
                    .collect(Collectors.toList());
            assertEquals(List.of("seats", "word"), optional);
            assertFalse(trainer.schema().labels().get(0).optional());
        }
    }

    @Test
    void whatIsMissingIsLearnedAndPredicted() throws IOException {
        try (Trainer trainer = Trainer.open(GAPS)) {
            Batch batch = trainer.newBatch(4);
            batch.add(row -> row.set("seats", 50).set("word", "a").set("hour", 1));
            batch.clear();
            batch.add(row -> row.set("hour", 2));
            batch.add(row -> row.set("hour", 3).set("seats", Double.NaN).set("word", "b"));
            batch.add(row -> row.set("hour", 4).set("seats", 100).set("word", ""));
            batch.add(row -> row.set("hour", 5).set("seats", (Object) null).set("word", (String) null));
            float[] wanted = {2110.5f, 3010.5f, 4100.5f, 5110.5f};
            for (int i = 0; i < wanted.length; i++) {
                assertEquals(wanted[i], trainer.predict(batch).value(i), 1e-3f);
            }
            ByteArrayOutputStream saved = new ByteArrayOutputStream();
            batch.write(new DataOutputStream(saved));
            Batch read = trainer.newBatch(4);
            read.read(new DataInputStream(new ByteArrayInputStream(saved.toByteArray())));
            assertEquals(trainer.predict(batch).value(0), trainer.predict(read).value(0));
            batch.clear();
            batch.add(row -> row.set("hour", 0).set("value", 110));
            assertEquals(1, trainer.step(batch).version());
            String message = assertThrows(InvalidInputException.class, () -> batch.add(row -> row.set("seats", 1)))
                    .getMessage();
            assertTrue(message.contains("a feature needs a value, set field hour"), message);
        }
    }

    @Test
    void anIntegerMayBeMissing() {
        try (Trainer trainer = Trainer.open(Recording.folder().resolve("transforms_integers.bundle"))) {
            Batch batch = trainer.newBatch(4);
            batch.add(row -> row.set("hour", 1).set("gate", 9).set("stops", 2).set("id", 3));
            batch.add(row -> row.set("hour", 1).set("gate", (Object) null).set("stops", (Object) null));
            batch.add(row -> row.set("hour", 1));
            batch.add(row -> row.set("hour", 1).set("gate", Integer.MIN_VALUE).set("stops", Long.MIN_VALUE).set("id", 3));
            float bucket = trainer.predict(batch).value(0) - (3 + 200 + 1000);
            for (int row = 1; row < 4; row++) {
                assertEquals(2 + 10 - 100 + 1000 + bucket, trainer.predict(batch).value(row), 1e-3f, "row " + row);
            }
        }
    }
}
