package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.stream.Collectors;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.operators.co.KeyedCoProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.apache.flink.util.OutputTag;
import org.junit.jupiter.api.Test;

/** Which label belongs to which record: event times decide, whatever came first. */
@SuppressWarnings("try") // a harness may be interrupted while it closes
final class AwaitLabelsTest {
    private static final TypeInformation<Flight> FLIGHT = TypeInformation.of(Flight.class);

    private static LabelPairs<Flight> pairs(Expiry expiry) {
        return new LabelPairs<>(FLIGHT, 100, expiry);
    }

    /** One stream of flights that depart (no label) and land. */
    private static KeyedOneInputStreamOperatorTestHarness<Long, Flight, Example<Flight>> mixed(
            Expiry expiry, OperatorSubtaskState state) throws Exception {
        var harness = new KeyedOneInputStreamOperatorTestHarness<>(
                new KeyedProcessOperator<>(new AwaitMixed<Long, Flight>(pairs(expiry), flight -> flight.late)),
                (Flight flight) -> flight.id,
                Types.LONG);
        return opened(harness, state);
    }

    private static <H extends AbstractStreamOperatorTestHarness<Example<Flight>>> H opened(H harness, OperatorSubtaskState state)
            throws Exception {
        harness.setup(new ExampleTypeInfo<>(FLIGHT)
                .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
        if (state != null) {
            harness.initializeState(state);
        }
        harness.open();
        return harness;
    }

    private static List<String> examples(AbstractStreamOperatorTestHarness<Example<Flight>> harness) {
        List<String> examples = new ArrayList<>();
        for (Object event : harness.getOutput()) {
            if (event instanceof StreamRecord) {
                Example<?> example = (Example<?>) ((StreamRecord<?>) event).getValue();
                examples.add(((Flight) example.record()).id + "=" + example.label() + "@"
                        + ((StreamRecord<?>) event).getTimestamp());
            }
        }
        harness.getOutput().clear();
        return examples;
    }

    private static List<String> side(
            AbstractStreamOperatorTestHarness<Example<Flight>> harness, OutputTag<Unpaired> tag) {
        Queue<StreamRecord<Unpaired>> records = harness.getSideOutput(tag);
        return records == null
                ? List.of()
                : records.stream().map(r -> r.getValue().toString()).collect(Collectors.toList());
    }

    @Test
    void aRecordComesAtOnceAndAgainWithItsLabel() throws Exception {
        try (var harness = mixed(Expiry.drop(), null)) {
            Flight departure = Flight.departing(7);
            harness.processElement(departure, 10);
            departure.hour = 99; // state holds a copy
            assertEquals(List.of("7=null@10"), examples(harness));
            harness.processElement(new Flight(7, 1), 60);
            Example<?> example = (Example<?>) ((StreamRecord<?>) harness.getOutput().peek()).getValue();
            assertEquals(7 / 24.0, ((Flight) example.record()).hour);
            assertEquals(List.of("7=1@60"), examples(harness));
        }
    }

    @Test
    void theLastMomentIsInTime() throws Exception {
        try (var harness = mixed(Expiry.drop(), null)) {
            harness.processElement(Flight.departing(1), 10);
            harness.processElement(Flight.departing(2), 10);
            harness.processElement(new Flight(1, 1), 110);
            harness.processElement(new Flight(2, 1), 111);
            assertEquals(List.of("1=null@10", "2=null@10", "1=1@110"), examples(harness));
            assertEquals(List.of("2: record flight 2"), side(harness, Streamgrad.EXPIRED), "though no watermark came");
            harness.processWatermark(new Watermark(111));
            assertEquals(List.of("2: label 1"), side(harness, Streamgrad.UNMATCHED));
        }
    }

    @Test
    void anExpiredRecordIsDroppedOrLearned() throws Exception {
        try (var harness = mixed(Expiry.drop(), null)) {
            harness.processElement(Flight.departing(1), 10);
            harness.processWatermark(new Watermark(109));
            assertEquals(List.of(), side(harness, Streamgrad.EXPIRED));
            harness.processWatermark(new Watermark(110));
            assertEquals(List.of("1: record flight 1"), side(harness, Streamgrad.EXPIRED));
            assertEquals(List.of("1=null@10"), examples(harness));
            assertEquals(0, harness.numKeyedStateEntries());
        }
        try (var harness = mixed(Expiry.learnAs(0), null)) {
            harness.processElement(Flight.departing(1), 10);
            harness.processWatermark(new Watermark(110));
            assertEquals(List.of("1: record flight 1"), side(harness, Streamgrad.EXPIRED));
            assertEquals(List.of("1=null@10", "1=0@110"), examples(harness));
        }
    }

    @Test
    void aLabelWithoutARecordIsKnownOnceTheWatermarkPassed() throws Exception {
        try (var harness = mixed(Expiry.drop(), null)) {
            harness.processElement(new Flight(1, 1), 10);
            assertEquals(List.of(), side(harness, Streamgrad.UNMATCHED));
            harness.processWatermark(new Watermark(10));
            assertEquals(List.of("1: label 1"), side(harness, Streamgrad.UNMATCHED));
            assertEquals(0, harness.numKeyedStateEntries());
            assertEquals(List.of(), examples(harness));
        }
    }

    @Test
    void duplicatesAndCorrectionsAreNotLearned() throws Exception {
        try (var harness = mixed(Expiry.drop(), null)) {
            harness.processElement(Flight.departing(1), 10);
            harness.processElement(Flight.departing(1), 11);
            harness.processElement(new Flight(1, 1), 20);
            harness.processElement(new Flight(1, 1), 21);
            harness.processElement(new Flight(1, 0), 22);
            assertEquals(List.of("1=null@10", "1=1@20"), examples(harness));
            assertEquals(List.of("1: record flight 1", "1: label 1"), side(harness, Streamgrad.DUPLICATES));
            assertEquals(List.of("1: label 0"), side(harness, Streamgrad.CORRECTIONS));
            harness.processWatermark(new Watermark(110));
            assertEquals(0, harness.numKeyedStateEntries());
            assertEquals(List.of(), side(harness, Streamgrad.EXPIRED));
        }
    }

    @Test
    void aKeyIsFreeAgainAfterItsRecordsTime() throws Exception {
        try (var harness = mixed(Expiry.drop(), null)) {
            harness.processElement(Flight.departing(1), 10);
            harness.processElement(Flight.departing(1), 200); // no watermark since
            harness.processElement(new Flight(1, 1), 210);
            assertEquals(List.of("1=null@10", "1=null@200", "1=1@210"), examples(harness));
            assertEquals(List.of("1: record flight 1"), side(harness, Streamgrad.EXPIRED));
            assertEquals(List.of(), side(harness, Streamgrad.DUPLICATES));
        }
    }

    @Test
    void aLabelOfAnEarlierTimeIsNotTheRecords() throws Exception {
        try (var harness = mixed(Expiry.drop(), null)) {
            harness.processElement(new Flight(1, 1), 5);
            harness.processElement(Flight.departing(1), 10);
            harness.processElement(new Flight(1, 0), 9);
            assertEquals(List.of("1=null@10"), examples(harness));
            assertEquals(List.of("1: label 1", "1: label 0"), side(harness, Streamgrad.UNMATCHED));
            harness.processElement(new Flight(1, 0), 20);
            assertEquals(List.of("1=0@20"), examples(harness));
        }
    }

    @Test
    void whatWaitsSurvivesACheckpoint() throws Exception {
        OperatorSubtaskState state;
        try (var harness = mixed(Expiry.drop(), null)) {
            harness.processElement(Flight.departing(1), 10);
            harness.processElement(Flight.departing(2), 10);
            harness.processElement(new Flight(2, 1), 20);
            state = harness.snapshot(1, 1);
        }
        try (var harness = mixed(Expiry.drop(), state)) {
            harness.processElement(new Flight(1, 1), 30);
            harness.processElement(new Flight(2, 0), 30);
            assertEquals(List.of("1=1@30"), examples(harness));
            assertEquals(List.of("2: label 0"), side(harness, Streamgrad.CORRECTIONS));
        }
    }

    @Test
    void ofTwoStreamsALabelMayOvertakeItsRecord() throws Exception {
        var function = new AwaitConnected<Long, Flight, Flight>(pairs(Expiry.drop()), flight -> flight.late);
        try (var harness = opened(
                new KeyedTwoInputStreamOperatorTestHarness<Long, Flight, Flight, Example<Flight>>(
                        new KeyedCoProcessOperator<>(function), flight -> flight.id, flight -> flight.id, Types.LONG),
                null)) {
            harness.processElement2(new StreamRecord<>(new Flight(1, 1), 60));
            harness.processElement1(new StreamRecord<>(Flight.departing(1), 10));
            assertEquals(List.of("1=null@10", "1=1@10"), examples(harness));
            harness.processElement2(new StreamRecord<>(new Flight(1, 1), 61));
            assertEquals(List.of("1: label 1"), side(harness, Streamgrad.DUPLICATES));
            harness.processElement1(new StreamRecord<>(Flight.departing(2), 10));
            harness.processElement2(new StreamRecord<>(new Flight(2, 0), 20));
            assertEquals(List.of("2=null@10", "2=0@20"), examples(harness));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> harness.processElement2(new StreamRecord<>(Flight.departing(3), 20)));
        }
    }

    @Test
    void withoutEventTimesItSaysSo() throws Exception {
        try (var harness = mixed(Expiry.drop(), null)) {
            String message = assertThrows(
                            IllegalStateException.class,
                            () -> harness.processElement(new StreamRecord<>(Flight.departing(1))))
                    .getMessage();
            assertTrue(message.contains("withTimestampAssigner"), message);
        }
    }
}
