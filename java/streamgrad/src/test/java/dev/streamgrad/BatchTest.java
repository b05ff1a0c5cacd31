package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class BatchTest {
    private final Schema schema = new Schemas()
            .feature("numbers", "float32", new int[] {2}, "hour", "distance")
            .feature("carrier", "string", new int[] {}, "carrier")
            .label("late", "float32", 0, 1)
            .weight("weight")
            .output("probability", "float32", 1)
            .make();
    private final Batch batch = new Batch(schema, 3);

    private static void full(Row row) {
        row.set("hour", 5).set("distance", 1.5).set("carrier", "Ünited ✈").set("late", true).set("weight", 2);
    }

    private static void unlabelled(Row row) {
        row.set("hour", 6).set("distance", 2.5).set("carrier", "AA");
    }

    private static String refused(Executable call) {
        return assertThrows(InvalidInputException.class, call).getMessage();
    }

    private float number(int row, int element) {
        return batch.slab().getFloat(batch.layout().offset(0) + (row * 2 + element) * 4);
    }

    @Test
    void rowsBecomeColumns() {
        batch.add(BatchTest::full);
        batch.add("DL", (carrier, row) -> row.set("hour", 7).set("distance", 3).set("carrier", carrier));
        assertEquals(2, batch.rows());
        assertEquals(1, batch.unlabelledRows());
        assertEquals(1, batch.firstUnlabelled());
        assertEquals(5f, number(0, 0));
        assertEquals(1.5f, number(0, 1));
        assertEquals(7f, number(1, 0));
        int carrier = batch.layout().offset(1);
        assertEquals("Ünited ✈", text(carrier));
        assertEquals("DL", text(carrier + 8));
        assertEquals(1f, batch.slab().getFloat(batch.layout().offset(2)));
        assertEquals(0f, batch.slab().getFloat(batch.layout().offset(2) + 4));
    }

    private String text(int at) {
        return new String(
                batch.heap().get(batch.slab().getInt(at), batch.slab().getInt(at + 4)),
                java.nio.charset.StandardCharsets.UTF_8);
    }

    @Test
    void aFailedAddLeavesTheBatchAsItWas() {
        batch.add(BatchTest::full);
        int strings = batch.heap().size();
        String message = refused(() -> batch.add(row -> row.set("hour", 1).set("carrier", "lost")));
        assertTrue(message.endsWith("set field distance"), message);
        assertThrows(IllegalStateException.class, () -> batch.add(row -> {
            row.set("carrier", "lost too");
            throw new IllegalStateException("from the caller");
        }));
        assertEquals(1, batch.rows());
        assertEquals(strings, batch.heap().size());
        batch.add(BatchTest::unlabelled);
        assertEquals(2, batch.rows());
        assertEquals("AA", text(batch.layout().offset(1) + 8));
    }

    @Test
    void aRowThatCameBeforeFillsNoGap() {
        batch.add(BatchTest::full);
        refused(() -> batch.add(row -> row.set("distance", 1).set("carrier", "x")));
        batch.clear();
        refused(() -> batch.add(row -> row.set("distance", 1).set("carrier", "x")));
    }

    @Test
    void labelAndWeightComeTogether() {
        String message = refused(() -> batch.add(row -> {
            unlabelled(row);
            row.set("late", 0);
        }));
        assertTrue(message.endsWith("set field weight"), message);
        // A weight without label says nothing: the row is unlabelled.
        batch.add(row -> {
            unlabelled(row);
            row.set("weight", 3);
        });
        assertEquals(1, batch.unlabelledRows());
        assertEquals(0f, batch.slab().getFloat(batch.layout().offset(3)));
    }

    @Test
    void nullLeavesALabelOutButNoFeature() {
        batch.add(row -> {
            unlabelled(row);
            row.set("late", (Object) null);
        });
        assertEquals(1, batch.unlabelledRows());
        assertTrue(refused(() -> batch.add(row -> row.set("hour", (Object) null))).endsWith("not null: hour"));
        assertTrue(refused(() -> batch.add(row -> row.set("carrier", (String) null))).endsWith("not null: carrier"));
    }

    @Test
    void aFullBatchTakesNoRow() {
        for (int i = 0; i < 3; i++) {
            batch.add(BatchTest::unlabelled);
        }
        assertTrue(refused(() -> batch.add(BatchTest::unlabelled)).endsWith("capacity 3"));
        batch.clear();
        assertEquals(0, batch.rows());
        assertEquals(0, batch.heap().size());
        assertEquals(0, batch.unlabelledRows());
        batch.add(BatchTest::unlabelled);
        assertEquals(1, batch.rows());
    }

    @Test
    void aRowIsSetOnlyInsideAdd() {
        AtomicReference<Row> kept = new AtomicReference<>();
        batch.add(row -> {
            unlabelled(row);
            kept.set(row);
        });
        assertTrue(refused(() -> kept.get().set("hour", 1)).contains("only inside add"));
        assertTrue(refused(() -> batch.add(row -> batch.add(BatchTest::unlabelled))).contains("end that call of add"));
        assertTrue(refused(() -> batch.add(row -> batch.clear())).contains("end that call of add"));
        assertEquals(1, batch.rows());
    }

    @Test
    void memoryThatANativeCallReadsIsLeftAlone() {
        batch.add(BatchTest::unlabelled);
        batch.lend();
        assertTrue(refused(batch::clear).contains("a batch of its own"));
        assertTrue(refused(() -> batch.add(BatchTest::unlabelled)).contains("a batch of its own"));
        assertTrue(refused(batch::lend).contains("a batch of its own"));
        batch.giveBack();
        batch.clear();
    }

    @Test
    void capacityIsOneOrMore() {
        assertTrue(refused(() -> new Batch(schema, 0)).endsWith("not 0"));
        assertTrue(refused(() -> new Batch(schema, Integer.MAX_VALUE)).contains("fewer rows"));
    }

    @Test
    void manyStringsGrowTheirBuffer() {
        Batch wide = new Batch(schema, 500);
        for (int i = 0; i < 500; i++) {
            int number = i;
            wide.add(row -> row.set("hour", 1).set("distance", 1).set("carrier", "carrier number " + number));
        }
        int at = wide.layout().offset(1) + 321 * 8;
        byte[] bytes = wide.heap().get(wide.slab().getInt(at), wide.slab().getInt(at + 4));
        assertEquals("carrier number 321", new String(bytes, java.nio.charset.StandardCharsets.UTF_8));
    }

    @Test
    void rowsSurviveWriteAndRead() throws IOException {
        batch.add(BatchTest::full);
        batch.add(BatchTest::unlabelled);
        byte[] written = written(batch);
        Batch other = new Batch(schema, 2);
        other.read(new DataInputStream(new ByteArrayInputStream(written)));
        assertEquals(2, other.rows());
        assertEquals(1, other.firstUnlabelled());
        assertEquals(java.util.Arrays.toString(written), java.util.Arrays.toString(written(other)));

        Batch small = new Batch(schema, 1);
        String message = refused(() -> small.read(new DataInputStream(new ByteArrayInputStream(written))));
        assertTrue(message.endsWith("not enough for rows: 2"), message);
        Schema another = new Schemas().feature("x", "float32", new int[] {1}, "x").output("y", "float32", 1).make();
        refused(() -> new Batch(another, 2).read(new DataInputStream(new ByteArrayInputStream(written))));
        for (int cut = 0; cut < written.length; cut++) {
            byte[] part = java.util.Arrays.copyOf(written, cut);
            assertThrows(EOFException.class, () -> other.read(new DataInputStream(new ByteArrayInputStream(part))));
            assertEquals(0, other.rows());
            assertEquals(0, other.heap().size());
        }
    }

    private static byte[] written(Batch batch) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        batch.write(new DataOutputStream(bytes));
        return bytes.toByteArray();
    }
}
