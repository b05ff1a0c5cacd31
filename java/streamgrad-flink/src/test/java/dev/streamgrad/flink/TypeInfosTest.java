package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.VersionId;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeinfo.TypeHint;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.java.typeutils.GenericTypeInfo;
import org.apache.flink.api.java.typeutils.PojoTypeInfo;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Everything that travels between operators or into state comes back as it was. */
final class TypeInfosTest {
    private static final TypeInformation<Flight> FLIGHT = TypeInformation.of(Flight.class);
    private static final SerializerConfigImpl CONFIG = new SerializerConfigImpl();

    static Stream<Arguments> values() {
        StepReport report = new StepReport(
                3, new long[] {6, 7}, 32, 0.5f, new long[] {1, 2, 3}, new String[] {"auc"}, new double[] {0.7}, new double[] {
                    Double.NaN
                });
        Stream<Object> labels = Stream.of(
                true,
                7,
                0.25,
                "späť \uD83D\uDEEB",
                new byte[] {1, 2},
                new int[] {1, -2},
                new long[] {1L << 40},
                new float[] {0.1f},
                new double[] {0.1, 0.2},
                List.of(1, "two", 3.0),
                Map.of("late", 1, "gate", new float[] {0, 1}));
        return Stream.concat(
                labels.map(label -> Arguments.of(new ExampleTypeInfo<>(FLIGHT), Example.labelled(Flight.landed(1), label))),
                Stream.of(
                        Arguments.of(new ExampleTypeInfo<>(FLIGHT), Example.unlabelled(Flight.landed(1))),
                        Arguments.of(new ScoredTypeInfo<>(FLIGHT), new Scored<>(Flight.landed(1), VersionId.of(-7, 9), 0.25f)),
                        Arguments.of(
                                new ScoredTypeInfo<>(FLIGHT),
                                new Scored<>(Flight.landed(1), VersionId.of(-7, 9), new String[] {"late", "gate"}, new OutputValues[] {
                                    OutputValues.of(0.5f), OutputValues.of(0.1f, 0.2f, 0.7f)
                                })),
                        Arguments.of(new RefusedTypeInfo(FLIGHT), new Refused(Flight.landed(1), "hour is NaN \u2708")),
                        Arguments.of(new UnpairedTypeInfo(FLIGHT), Unpaired.of(7L, Flight.landed(1), null)),
                        Arguments.of(new UnpairedTypeInfo(FLIGHT), Unpaired.of("key", null, 1L)),
                        Arguments.of(new ModelUpdateTypeInfo(), ModelUpdate.version("00000000000000ab-120")),
                        Arguments.of(new ModelUpdateTypeInfo(), ModelUpdate.bundle("file:///models/späť")),
                        Arguments.of(new ModelUpdateTypeInfo(), ModelUpdate.unpin()),
                        Arguments.of(
                                new RefusedTypeInfo(new ModelUpdateTypeInfo()), new Refused(ModelUpdate.rollback(), "no")),
                        Arguments.of(new ControlCommandTypeInfo(), ControlCommand.setLearningRate(0.25)),
                        Arguments.of(new ControlCommandTypeInfo(), ControlCommand.of("much ".repeat(30_000))),
                        Arguments.of(
                                new ControlReplyTypeInfo(),
                                new ControlReply(
                                        1, ControlCommand.save(), null, VersionId.of(-7, 9), "running", VersionId.of(-7, 9), 0.25)),
                        Arguments.of(
                                new ControlReplyTypeInfo(),
                                new ControlReply(0, ControlCommand.of("späť"), "no", null, "paused", VersionId.of(7, 0), 0)),
                        Arguments.of(new StepReportTypeInfo(), report)));
    }

    @ParameterizedTest
    @MethodSource("values")
    <V> void comesBackAsItWas(TypeInformation<V> type, V value) throws Exception {
        TypeSerializer<V> serializer = type.createSerializer(CONFIG);
        assertEquals(value, back(serializer, bytes(serializer, value)));
        assertEquals(value, serializer.copy(value));
        assertArrayEquals(bytes(serializer, value), bytes(serializer, serializer.copy(value)));
        DataOutputSerializer copied = new DataOutputSerializer(64);
        serializer.copy(new DataInputDeserializer(bytes(serializer, value)), copied);
        assertArrayEquals(bytes(serializer, value), copied.getCopyOfBuffer());
        assertEquals(serializer, serializer.duplicate());
        assertEquals(type, InstantiationUtil.clone(type));
        assertEquals(serializer, InstantiationUtil.clone(serializer));
    }

    @ParameterizedTest
    @MethodSource("values")
    <V> void aCheckpointBringsItsSerializerBack(TypeInformation<V> type, V value) throws Exception {
        TypeSerializer<V> serializer = type.createSerializer(CONFIG);
        assertEquals(value, back(restored(serializer), bytes(serializer, value)));
    }

    @Test
    void stateOfTheOperatorsComesBack() throws Exception {
        TypeSerializer<PendingRow<Flight>> rows = new PendingRow.Serializer<>(FLIGHT.createSerializer(CONFIG));
        PendingRow<Flight> row = back(restored(rows), bytes(rows, new PendingRow<>(Flight.landed(5), 77, true)));
        assertEquals(Flight.landed(5), row.record);
        assertEquals(77, row.timestamp);
        assertTrue(row.left);
        assertNotSame(row.record, rows.copy(row).record);
        TypeSerializer<LabelValue> labels = new LabelValue.Serializer();
        LabelValue label = back(restored(labels), bytes(labels, new LabelValue(1L, 88)));
        assertEquals(1L, label.value);
        assertEquals(88, label.time);
    }

    private static <V> byte[] bytes(TypeSerializer<V> serializer, V value) throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(64);
        serializer.serialize(value, out);
        return out.getCopyOfBuffer();
    }

    private static <V> V back(TypeSerializer<V> serializer, byte[] bytes) throws IOException {
        DataInputDeserializer in = new DataInputDeserializer(bytes);
        V value = serializer.deserialize(in);
        assertEquals(0, in.available());
        return value;
    }

    private static <V> TypeSerializer<V> restored(TypeSerializer<V> serializer) throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(64);
        TypeSerializerSnapshot.writeVersionedSnapshot(out, serializer.snapshotConfiguration());
        TypeSerializerSnapshot<V> snapshot = TypeSerializerSnapshot.readVersionedSnapshot(
                new DataInputDeserializer(out.getCopyOfBuffer()), TypeInfosTest.class.getClassLoader());
        assertTrue(serializer.snapshotConfiguration().resolveSchemaCompatibility(snapshot).isCompatibleAsIs());
        return snapshot.restoreSerializer();
    }

    @Test
    void flinkFindsTheTypesByItself() {
        TypeInformation<Scored<Example<Flight>>> type = TypeInformation.of(new TypeHint<>() {});
        assertEquals(new ScoredTypeInfo<>(new ExampleTypeInfo<>(FLIGHT)), type);
        assertTrue(FLIGHT instanceof PojoTypeInfo);
        assertFalse(TypeInformation.of(StepReport.class) instanceof GenericTypeInfo);
        assertFalse(TypeInformation.of(Refused.class) instanceof GenericTypeInfo);
    }

    @Test
    void labelsAreTheSameWhateverTheyWereMadeOf() {
        assertEquals(Example.labelled("r", 1), Example.labelled("r", 1L));
        assertEquals(Example.labelled("r", 0.5f), Example.labelled("r", 0.5));
        assertEquals(Example.labelled("r", List.of(1, 2)), Example.labelled("r", new Integer[] {1, 2}));
        assertFalse(Labels.same(Labels.checked(1), Labels.checked(0)));
        String message = assertThrows(IllegalArgumentException.class, () -> Example.labelled("r", new Object()))
                .getMessage();
        assertTrue(message.contains("not a java.lang.Object"), message);
    }

    @Test
    void aScoredRecordKeepsItsLineage() throws Exception {
        TypeSerializer<Scored<Flight>> serializer = new ScoredTypeInfo<>(FLIGHT).createSerializer(CONFIG);
        Scored<Flight> scored = new Scored<>(Flight.landed(1), VersionId.of(-7, 9), 0.25f);
        assertEquals(VersionId.of(-7, 9), back(serializer, bytes(serializer, scored)).versionId());
        assertEquals(VersionId.of(-7, 9), serializer.copy(scored).versionId());
        assertEquals(scored, new Scored<>(Flight.landed(1), VersionId.of(8, 9), 0.25f), "two runs may be compared");
    }

    @Test
    void predictionsAreTakenAsTheyAre() {
        Scored<String> one = new Scored<>("r", VersionId.of(3, 1), 0.5f);
        assertEquals(0.5f, one.prediction());
        assertThrows(IllegalArgumentException.class, () -> one.output("late"));
        Scored<String> two = new Scored<>("r", VersionId.of(3, 1), new String[] {"late", "gate"}, new OutputValues[] {OutputValues.of(0.5f), OutputValues.of(0, 1)});
        assertArrayEquals(new float[] {0, 1}, two.output("gate"));
        assertEquals(List.of("late", "gate"), two.outputs());
        assertThrows(IllegalStateException.class, two::prediction);
        assertThrows(IllegalArgumentException.class, () -> two.output("hour"));
    }
}
