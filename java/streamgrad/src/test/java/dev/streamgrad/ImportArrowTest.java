package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.arrow.c.ArrowArray;
import org.apache.arrow.c.ArrowSchema;
import org.apache.arrow.c.Data;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Arrow Java hands over record batches: they do what the same values do that are added row by row. */
class ImportArrowTest {
    private static final int ROWS = 5;
    private static final FieldType FLOAT =
            FieldType.notNullable(new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE));

    private final BufferAllocator allocator = new RootAllocator();

    /** Throws if anything that was handed over was not given back. */
    @AfterEach
    void everythingWasGivenBack() {
        allocator.close();
    }

    private interface Import {
        void from(long array, long schema);
    }

    /** Hands the columns over, of which this side keeps nothing. */
    private void handOver(List<FieldVector> columns, Import call) {
        try (VectorSchemaRoot root = VectorSchemaRoot.of(columns.toArray(new FieldVector[0]));
                ArrowArray array = ArrowArray.allocateNew(allocator);
                ArrowSchema schema = ArrowSchema.allocateNew(allocator)) {
            Data.exportVectorSchemaRoot(allocator, root, null, array, schema);
            call.from(array.memoryAddress(), schema.memoryAddress());
            assertEquals(0, array.snapshot().release, "moved from");
            assertEquals(0, schema.snapshot().release, "moved from");
        }
    }

    private Float4Vector floats(String name, float... values) {
        Float4Vector vector = new Float4Vector(name, allocator);
        vector.allocateNew(values.length);
        for (int i = 0; i < values.length; i++) {
            vector.set(i, values[i]);
        }
        vector.setValueCount(values.length);
        return vector;
    }

    private VarCharVector strings(String name, String... values) {
        VarCharVector vector = new VarCharVector(name, allocator);
        vector.allocateNew();
        for (int i = 0; i < values.length; i++) {
            vector.setSafe(i, values[i].getBytes(StandardCharsets.UTF_8));
        }
        vector.setValueCount(values.length);
        return vector;
    }

    private BigIntVector whole(String name, long[] values) {
        BigIntVector vector = new BigIntVector(name, allocator);
        vector.allocateNew(values.length);
        for (int i = 0; i < values.length; i++) {
            vector.set(i, values[i]);
        }
        vector.setValueCount(values.length);
        return vector;
    }

    /** The numbers of the flights' model, some of them of other types than the model has. */
    private List<FieldVector> flights(Integer... seats) {
        Float8Vector distance = new Float8Vector("distance", allocator);
        IntVector places = new IntVector("seats", allocator);
        for (int i = 0; i < seats.length; i++) {
            distance.setSafe(i, 100.5 * i);
            if (seats[i] != null) {
                places.setSafe(i, seats[i]);
            }
        }
        distance.setValueCount(seats.length);
        places.setValueCount(seats.length);
        float[] wind = new float[seats.length];
        Arrays.fill(wind, 7.5f);
        return List.of(floats("hour", Arrays.copyOf(new float[] {1, 2, 3, 4, 5}, seats.length)), distance, places, floats("wind", wind));
    }

    private static Batch rows(Trainer trainer, int... seats) {
        Batch batch = trainer.newBatch(seats.length);
        for (int i = 0; i < seats.length; i++) {
            int at = i;
            batch.add(row -> row.set("hour", at + 1).set("distance", 100.5 * at).set("seats", seats[at]).set("wind", 7.5));
        }
        return batch;
    }

    private static float[] values(Predictions predictions) {
        float[] values = new float[predictions.rows()];
        for (int i = 0; i < values.length; i++) {
            values[i] = predictions.value(i);
        }
        return values;
    }

    private static Trainer open(String bundle) {
        return Trainer.open(Recording.folder().resolve(bundle + ".bundle"));
    }

    @Test
    void columnsOfTheModelsTypesAreReadAndLearnedWhereTheyAre() {
        Recording recording = Recording.of("mlp-sgd");
        try (Trainer ours = Trainer.open(recording.bundle);
                Trainer theirs = Trainer.open(recording.bundle)) {
            Batch added = ours.newBatch(Recording.ROWS);
            Batch batch = theirs.newBatch(1);
            for (int step = 0; step < 3; step++) {
                recording.fill(added, step);
                List<FieldVector> columns = new ArrayList<>();
                for (Column column : ours.schema().columns()) {
                    String recorded = "batch/" + step + "/" + column.name();
                    columns.add(column.dtype() == DType.INT64
                            ? whole(column.fields().get(0), recording.longs(recorded))
                            : whole(column.fields().get(0), column.elements(), recording.floats(recorded)));
                }
                handOver(columns, batch::importArrow);
                assertEquals(Recording.ROWS, batch.rows());
                assertEquals(0, batch.unlabelledRows());
                Report report = theirs.step(batch);
                assertEquals(ours.step(added).loss(), report.loss(), 1e-6f);
                assertEquals(Recording.ROWS, report.rows());
            }
            assertTrue(allocator.getAllocatedMemory() > 0, "the rows are still the host's memory");
            batch.clear();
            assertEquals(0, allocator.getAllocatedMemory(), "given back");
            assertArrayEquals(ours.parameter(ours.parameterNames().get(0)), theirs.parameter(theirs.parameterNames().get(0)), 1e-6f);
        }
    }

    /** Rows of several values. */
    private FixedSizeListVector whole(String name, int size, float[] values) {
        FixedSizeListVector list = FixedSizeListVector.empty(name, size, allocator);
        Float4Vector all = list.<Float4Vector>addOrGetVector(FLOAT).getVector();
        list.setInitialCapacity(values.length / size);
        list.allocateNew();
        for (int i = 0; i < values.length; i++) {
            all.setSafe(i, values[i]);
        }
        for (int row = 0; row < values.length / size; row++) {
            list.setNotNull(row);
        }
        list.setValueCount(values.length / size);
        return list;
    }

    @Test
    void nothingIsCopied() {
        Recording recording = Recording.of("mlp-sgd");
        try (Trainer trainer = Trainer.open(recording.bundle)) {
            Batch batch = trainer.newBatch(1);
            List<FieldVector> features = new ArrayList<>();
            for (Column column : trainer.schema().features()) {
                features.add(whole(column.fields().get(0), column.elements(), recording.floats("batch/0/" + column.name())));
            }
            Float4Vector first = (Float4Vector) ((FixedSizeListVector) features.get(0)).getDataVector();
            first.getDataBuffer().getReferenceManager().retain();
            ArrowBuf memory = first.getDataBuffer();
            handOver(features, batch::importArrow);
            assertEquals(Recording.ROWS, batch.unlabelledRows());
            float before = trainer.predict(batch).row(0)[0];
            memory.setFloat(0, memory.getFloat(0) + 3);
            assertNotEquals(before, trainer.predict(batch).row(0)[0], "read where the host has it");
            batch.clear();
            memory.getReferenceManager().release();
        }
    }

    @Test
    void otherTypesAreConvertedAndWrongRowsRefused() {
        try (Trainer trainer = open("flights")) {
            Batch batch = trainer.newBatch(1);
            List<String> heard = new ArrayList<>();
            handOver(flights(150, null, 180, 90, null), (array, schema) ->
                    assertEquals(2, batch.importArrow(array, schema, (reason, row) -> heard.add(row + ": " + reason))));
            assertEquals(0, allocator.getAllocatedMemory(), "it was copied");
            assertEquals(3, batch.rows());
            assertEquals(2, heard.size());
            assertTrue(heard.get(0).startsWith("1: seats"), heard.get(0));
            assertTrue(heard.get(1).startsWith("4: seats"), heard.get(1));
            float[] made = values(trainer.predict(batch));

            InvalidInputException strict = assertThrows(
                    InvalidInputException.class, () -> handOver(flights(150, null), batch::importArrow));
            assertTrue(strict.getMessage().contains("row 1: seats"), strict.getMessage());
            assertArrayEquals(made, values(trainer.predict(batch)), "the batch is as it was");

            handOver(flights(150, 170, 180, 90, 100), batch::importArrow);
            assertArrayEquals(values(trainer.predict(rows(trainer, 150, 170, 180, 90, 100))), values(trainer.predict(batch)), 1e-6f);
            try (Predictor predictor = Predictor.of(trainer)) {
                float[] all = values(predictor.predict(batch));
                assertArrayEquals(Arrays.copyOfRange(all, 1, 3), values(predictor.predict(batch, 1, 2)), 1e-6f);
            }
            String message = assertThrows(InvalidInputException.class, () -> trainer.predict(batch, 3, 3)).getMessage();
            assertTrue(message.contains("it has 5 rows"), message);
            message = assertThrows(InvalidInputException.class, () -> trainer.step(batch)).getMessage();
            assertTrue(message.contains("late"), message);
        }
    }

    @Test
    void stringsAndRaggedRowsComeAsWell() {
        try (Trainer trainer = open("embedding_strings")) {
            Batch batch = trainer.newBatch(1);
            List<FieldVector> columns = List.of(
                    strings("carrier", "AA", "", "Ü"),
                    words("route", new String[][] {{"a", "b"}, {"c", "d"}, {"e", "f"}}),
                    words("words", new String[][] {{"x"}, {}, {"y", "zz"}}),
                    weights(new float[][] {{1}, {}, {2, 3}}));
            handOver(columns, batch::importArrow);
            Batch added = trainer.newBatch(3);
            added.add(row -> row.set("carrier", "AA").set("route", List.of("a", "b")).set("words", List.of("x")).set("weights", new float[] {1}));
            added.add(row -> row.set("carrier", "").set("route", List.of("c", "d")).set("words", List.of()).set("weights", new float[0]));
            added.add(row -> row.set("carrier", "Ü").set("route", List.of("e", "f")).set("words", List.of("y", "zz")).set("weights", new float[] {2, 3}));
            for (int first = 0; first < 3; first++) {
                assertArrayEquals(
                        values(trainer.predict(added, first, 3 - first)), values(trainer.predict(batch, first, 3 - first)), 1e-6f);
            }
            batch.clear();
        }
    }

    private ListVector words(String name, String[][] rows) {
        ListVector list = ListVector.empty(name, allocator);
        VarCharVector all = list.<VarCharVector>addOrGetVector(FieldType.notNullable(ArrowType.Utf8.INSTANCE)).getVector();
        int at = 0;
        for (int row = 0; row < rows.length; row++) {
            list.startNewValue(row);
            for (String value : rows[row]) {
                all.setSafe(at++, value.getBytes(StandardCharsets.UTF_8));
            }
            list.endValue(row, rows[row].length);
        }
        all.setValueCount(at);
        list.setValueCount(rows.length);
        return list;
    }

    private ListVector weights(float[][] rows) {
        ListVector list = ListVector.empty("weights", allocator);
        Float4Vector all = list.<Float4Vector>addOrGetVector(FLOAT).getVector();
        int at = 0;
        for (int row = 0; row < rows.length; row++) {
            list.startNewValue(row);
            for (float value : rows[row]) {
                all.setSafe(at++, value);
            }
            list.endValue(row, rows[row].length);
        }
        all.setValueCount(at);
        list.setValueCount(rows.length);
        return list;
    }

    @Test
    void nullsAreMissingWhereTheyMayBe() {
        try (Trainer trainer = open("transforms_integers")) {
            IntVector gate = new IntVector("gate", allocator);
            BigIntVector stops = new BigIntVector("stops", allocator);
            BigIntVector id = whole("id", new long[] {3, 3});
            gate.setSafe(0, 9);
            stops.setSafe(1, -1);
            gate.setValueCount(2);
            stops.setValueCount(2);
            Batch batch = trainer.newBatch(1);
            handOver(List.of(gate, stops, id, floats("hour", 1, 1)), batch::importArrow);
            Batch added = trainer.newBatch(2);
            added.add(row -> row.set("gate", 9).set("id", 3).set("hour", 1));
            added.add(row -> row.set("stops", -1).set("id", 3).set("hour", 1));
            assertArrayEquals(values(trainer.predict(added)), values(trainer.predict(batch)), 1e-6f);
        }
    }

    @Test
    void aBatchHoldsOneKindOfRows() {
        try (Trainer trainer = open("flights")) {
            Batch batch = rows(trainer, 1);
            batch.eventTime(5);
            handOver(flights(150, 170), batch::importArrow);
            assertEquals(2, batch.rows());
            assertTrue(batch.eventTime().isEmpty());
            for (Executable call : List.<Executable>of(
                    () -> batch.add(row -> row.set("hour", 1)),
                    batch::removeLast,
                    () -> batch.write(new DataOutputStream(new ByteArrayOutputStream())))) {
                String message = assertThrows(InvalidInputException.class, call).getMessage();
                assertTrue(message.contains("clear it first"), message);
            }
            batch.clear();
            assertEquals(0, batch.rows());
            batch.add(row -> row.set("hour", 1).set("distance", 2).set("seats", 3).set("wind", 4));
            assertEquals(1, trainer.predict(batch).rows());
        }
    }

    @Test
    void wrongAddressesAndBatchesAreRefused() {
        try (Trainer trainer = open("flights")) {
            Batch batch = trainer.newBatch(ROWS);
            assertEquals(
                    Status.NULL_POINTER,
                    assertThrows(StreamgradException.class, () -> batch.importArrow(0, 8)).status());
            assertEquals(
                    Status.MISALIGNED,
                    assertThrows(StreamgradException.class, () -> batch.importArrow(8, 9)).status());
            String lacks = assertThrows(
                            InvalidInputException.class,
                            () -> handOver(List.of(floats("hour", 1), floats("distance", 1)), batch::importArrow))
                    .getMessage();
            assertTrue(lacks.contains("there is no column seats"), lacks);
            handOver(flights(150), (array, schema) -> {
                batch.importArrow(array, schema);
                String again = assertThrows(InvalidInputException.class, () -> batch.importArrow(array, schema))
                        .getMessage();
                assertTrue(again.contains("released"), again);
            });
            IllegalStateException own = assertThrows(
                    IllegalStateException.class,
                    () -> handOver(flights(150, null), (array, schema) -> batch.importArrow(array, schema, (reason, row) -> {
                        throw new IllegalStateException("from the caller");
                    })));
            assertEquals("from the caller", own.getMessage());
            assertEquals(1, batch.rows(), "the rows of the import before");
        }
    }
}
