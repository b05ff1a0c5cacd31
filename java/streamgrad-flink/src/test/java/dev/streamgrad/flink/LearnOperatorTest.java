package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.junit.jupiter.api.Test;

/** When rows leave and when they are learned, one rule a test. */
final class LearnOperatorTest {
    private static LearnerHarness<Flight> learner(Consumer<LearnOptions<Flight>> options) throws Exception {
        return LearnerHarness.of(Bundles.flights(), Flight.class, options.andThen(o -> o.batchRows = 4));
    }

    private static void withBatch(LearnOptions<Flight> options) {
        options.maxDelay = -1;
    }

    private static void maxDelayOf5(LearnOptions<Flight> options) {
        options.maxDelay = 5;
    }

    private static List<Integer> rows(List<StepReport> reports) {
        return reports.stream().map(StepReport::rows).collect(Collectors.toList());
    }

    @Test
    void theNumberOfLabelledRowsCutsTheBatch() throws Exception {
        try (LearnerHarness<Flight> learner = learner(LearnOperatorTest::withBatch)) {
            for (int i = 0; i < 3; i++) {
                learner.send(Flight.landed(i), i);
            }
            learner.at(1_000_000);
            learner.checkpoint(1);
            assertEquals(List.of(), learner.out());
            learner.send(Flight.landed(3), 3);
            assertEquals(List.of("0", "1", "2", "3"), learner.out());
            assertEquals(List.of(4), rows(learner.newReports()));
        }
    }

    @Test
    void aPredictionIsOfTheVersionBeforeItsLabelWasSeen() throws Exception {
        try (LearnerHarness<Flight> learner = learner(LearnOperatorTest::withBatch)) {
            for (int i = 0; i < 8; i++) {
                learner.send(Flight.landed(i), i);
            }
            List<Long> versions =
                    learner.scored().stream().map(s -> s.getValue().version()).collect(Collectors.toList());
            List<StepReport> reports = learner.newReports();
            long first = reports.get(0).gradientVersion();
            assertEquals(List.of(first, first, first, first), versions.subList(0, 4));
            assertEquals(reports.get(0).version(), versions.get(4));
            assertEquals(reports.get(1).gradientVersion(), versions.get(7));
            assertTrue(reports.get(1).version() > reports.get(1).gradientVersion());
            learner.scored().forEach(s -> assertTrue(s.getValue().prediction() > 0 && s.getValue().prediction() < 1));
        }
    }

    @Test
    void theTimerLetsRowsLeaveAndLearnsNothing() throws Exception {
        try (LearnerHarness<Flight> learner = learner(LearnOperatorTest::maxDelayOf5)) {
            learner.send(Flight.landed(0), 0);
            learner.at(4);
            assertEquals(List.of(), learner.out());
            learner.at(5);
            assertEquals(List.of("0"), learner.out());
            assertEquals(List.of(), learner.newReports());
        }
    }

    @Test
    void aRowBehindOneThatLeftHasItsOwnTime() throws Exception {
        try (LearnerHarness<Flight> learner = learner(LearnOperatorTest::maxDelayOf5)) {
            learner.send(Flight.landed(0), 0);
            learner.at(5);
            learner.send(Flight.landed(1), 1);
            learner.at(9);
            assertEquals(List.of("0"), learner.out());
            learner.at(10);
            assertEquals(List.of("1"), learner.out());
            learner.send(Flight.landed(2), 2);
            learner.send(Flight.landed(3), 3);
            assertEquals(List.of("2", "3"), learner.out());
            assertEquals(List.of(4), rows(learner.newReports()), "those that left early are learned with their batch");
        }
    }

    @Test
    void aTimerOfAnEarlierBatchDoesNotCutTheTimeOfALaterOne() throws Exception {
        try (LearnerHarness<Flight> learner = learner(LearnOperatorTest::maxDelayOf5)) {
            for (int i = 0; i < 4; i++) {
                learner.send(Flight.landed(i), i); // leaves a timer for 5
            }
            learner.at(3);
            learner.send(Flight.landed(4), 4);
            learner.out();
            learner.at(7);
            assertEquals(List.of(), learner.out());
            learner.at(8);
            assertEquals(List.of("4"), learner.out());
        }
    }

    @Test
    void withoutDelayEachRowLeavesAtOnce() throws Exception {
        try (LearnerHarness<Flight> learner = learner(o -> o.maxDelay = 0)) {
            learner.send(Flight.landed(0), 0);
            assertEquals(List.of("0"), learner.out());
            for (int i = 1; i < 4; i++) {
                learner.send(Flight.landed(i), i);
            }
            assertEquals(List.of("1", "2", "3"), learner.out());
            assertEquals(List.of(4), rows(learner.newReports()));
        }
    }

    @Test
    void theBarrierLetsRowsLeaveAndLearnsNothing() throws Exception {
        try (LearnerHarness<Flight> learner = learner(LearnOperatorTest::maxDelayOf5)) {
            learner.send(Flight.landed(0), 0);
            learner.send(Flight.landed(1), 1);
            learner.checkpoint(1);
            assertEquals(List.of("0", "1"), learner.out());
            assertEquals(List.of(), learner.newReports());
        }
    }

    @Test
    void aRowWithoutLabelIsPredictedOnlyAndKeepsItsPlace() throws Exception {
        try (LearnerHarness<Flight> learner = learner(LearnOperatorTest::withBatch)) {
            learner.send(Flight.departing(0), 0);
            learner.send(Flight.landed(1), 1);
            learner.send(Flight.departing(2), 2);
            learner.send(Flight.departing(3), 3);
            learner.send(Flight.landed(4), 4);
            learner.send(Flight.landed(5), 5);
            assertEquals(List.of(), learner.out());
            learner.send(Flight.landed(6), 6);
            assertEquals(List.of("0", "1", "2", "3", "4", "5", "6"), learner.out());
            StepReport report = learner.newReports().get(0);
            assertEquals(4, report.rows());
            learner.scored().forEach(s -> assertEquals(report.gradientVersion(), s.getValue().version()));
        }
    }

    @Test
    void aPredictionDoesNotDependOnTheLabel() throws Exception {
        try (LearnerHarness<Flight> learner = learner(LearnOperatorTest::withBatch)) {
            learner.send(Flight.departing(9), 0);
            learner.send(new Flight(9, 0), 1);
            learner.send(new Flight(9, 1), 2);
            learner.flink().endInput();
            List<Float> predictions =
                    learner.scored().stream().map(s -> s.getValue().prediction()).collect(Collectors.toList());
            assertEquals(predictions.get(0), predictions.get(1), 1e-6);
            assertEquals(predictions.get(1), predictions.get(2), 1e-6);
        }
    }

    @Test
    void tooManyWaitingRowsLeaveAndNothingIsLearned() throws Exception {
        try (LearnerHarness<Flight> learner = learner(o -> {
            withBatch(o);
            o.maxWaitingRows = 6;
        })) {
            learner.send(Flight.landed(0), 0);
            for (int i = 1; i < 5; i++) {
                learner.send(Flight.departing(i), i);
            }
            assertEquals(List.of(), learner.out());
            learner.send(Flight.departing(5), 5);
            assertEquals(List.of("0", "1", "2", "3", "4", "5"), learner.out());
            assertEquals(List.of(), learner.newReports());
            for (int i = 6; i < 9; i++) {
                learner.send(Flight.landed(i), i);
            }
            assertEquals(List.of("6", "7", "8"), learner.out());
            assertEquals(List.of(4), rows(learner.newReports()), "the row that left is learned with its batch");
        }
    }

    @Test
    void learnAfterLearnsTheShortBatch() throws Exception {
        try (LearnerHarness<Flight> learner = learner(o -> {
            maxDelayOf5(o);
            o.learnAfter = 20;
        })) {
            learner.send(Flight.landed(0), 0);
            learner.at(10);
            learner.send(Flight.landed(1), 1);
            assertEquals(List.of("0"), learner.out());
            learner.at(19);
            assertEquals(List.of(), learner.newReports());
            learner.at(20);
            assertEquals(List.of(2), rows(learner.newReports()));
            learner.at(100);
            assertEquals(List.of(), learner.newReports());
            assertEquals(List.of("1"), learner.out());
        }
    }

    @Test
    void theEndOfInputLearnsTheShortBatch() throws Exception {
        try (LearnerHarness<Flight> learner = learner(LearnOperatorTest::withBatch)) {
            learner.send(Flight.landed(0), 0);
            learner.send(Flight.departing(1), 1);
            learner.flink().processWatermark(Watermark.MAX_WATERMARK);
            learner.flink().endInput();
            assertEquals(List.of("0", "1", "W" + Long.MAX_VALUE), learner.out());
            assertEquals(List.of(1), rows(learner.newReports()));
            learner.flink().getOperator().finish();
            learner.checkpoint(1); // Flink's final one finds nothing to keep
            assertEquals(List.of(), learner.out());
        }
    }

    @Test
    void watermarksAndIdlenessWaitBehindTheRowsBeforeThem() throws Exception {
        try (LearnerHarness<Flight> learner = learner(LearnOperatorTest::maxDelayOf5)) {
            learner.flink().processWatermark(new Watermark(1));
            assertEquals(List.of("W1"), learner.out(), "nothing waits");
            learner.send(Flight.landed(5), 5);
            learner.flink().processWatermark(new Watermark(3));
            learner.flink().processWatermark(new Watermark(4));
            learner.flink().processWatermarkStatus(WatermarkStatus.IDLE);
            assertEquals(List.of(), learner.out());
            learner.at(5);
            assertEquals(List.of("5", "W4", "idle"), learner.out(), "of several watermarks only the newest");
            learner.flink().processWatermarkStatus(WatermarkStatus.ACTIVE);
            learner.flink().processWatermark(new Watermark(6));
            assertEquals(List.of("active", "W6"), learner.out());
        }
    }

    @Test
    void timestampsStayWithTheirRecords() throws Exception {
        try (LearnerHarness<Flight> learner = learner(o -> o.maxDelay = 0)) {
            learner.send(Flight.landed(0), 77);
            learner.flink().processElement(new StreamRecord<>(Flight.landed(1)));
            learner.send(Flight.landed(2), 78);
            assertEquals(77, learner.scored().get(0).getTimestamp());
            assertTrue(!learner.scored().get(1).hasTimestamp());
            assertEquals(78, learner.scored().get(2).getTimestamp());
        }
    }

    @Test
    void aRecordThatCannotBeEncodedIsRefusedAndNeverCounts() throws Exception {
        try (LearnerHarness<Flight> learner = learner(LearnOperatorTest::withBatch)) {
            Flight nan = Flight.landed(1);
            nan.hour = Double.NaN;
            Flight missing = Flight.landed(2);
            missing.wind = null;
            Flight impossible = new Flight(3, 7);
            learner.send(Flight.landed(0), 0);
            for (Flight bad : List.of(nan, missing, impossible)) {
                learner.send(bad, bad.id);
            }
            for (int i = 4; i < 7; i++) {
                learner.send(Flight.landed(i), i);
            }
            assertEquals(List.of("0", "4", "5", "6"), learner.out());
            assertEquals(List.of(4), rows(learner.newReports()));
            List<Refused> refused = learner.newRefused();
            assertEquals(
                    List.of(nan, missing, impossible),
                    refused.stream().map(Refused::record).collect(Collectors.toList()));
            assertTrue(refused.get(0).reason().contains("hour is NaN"), refused.get(0).reason());
            assertTrue(refused.get(1).reason().contains("not null: wind"), refused.get(1).reason());
            assertTrue(refused.get(2).reason().contains("labels from 0.0 to 1.0"), refused.get(2).reason());
        }
    }

    @Test
    void aBatchWhoseLossIsNotFiniteIsQuarantinedAndTheJobGoesOn() throws Exception {
        try (LearnerHarness<Flight> learner =
                LearnerHarness.of(Bundles.delays(), Flight.class, o -> {
                    o.batchRows = 2;
                    o.maxDelay = 5;
                })) {
            Flight huge = Flight.landed(0);
            huge.distance = 3e38f;
            learner.send(huge, 0);
            learner.at(5); // it was predicted, and only then breaks its batch
            learner.send(Flight.departing(1), 1);
            learner.send(Flight.landed(2), 2);
            assertEquals(List.of("0", "1", "2"), learner.out(), "all are predicted");
            assertEquals(List.of(), learner.newReports());
            assertEquals(List.of(), learner.newRefused());
            List<Refused> refused = learner.newQuarantined();
            assertEquals(
                    List.of(huge, Flight.landed(2)), refused.stream().map(Refused::record).collect(Collectors.toList()));
            assertTrue(refused.get(0).reason().contains("the loss is inf"), refused.get(0).reason());
            learner.send(Flight.landed(3), 3);
            learner.send(Flight.landed(4), 4);
            StepReport report = learner.newReports().get(0);
            assertEquals(2, report.rows());
            assertEquals(report.gradientVersion(), learner.scored().get(0).getValue().version(), "nothing was learned before");
        }
    }

    @Test
    void whatComesAndGoesMayBeReused() throws Exception {
        ExecutionConfig reuse = new ExecutionConfig().enableObjectReuse();
        try (LearnerHarness<Flight> learner = LearnerHarness.restored(
                Bundles.flights(), TypeInformation.of(Flight.class), null, reuse, o -> {
                    o.batchRows = 4;
                    o.maxDelay = -1;
                })) {
            Flight one = Flight.landed(0);
            learner.send(one, 0);
            one.id = 1;
            learner.send(one, 1);
            one.id = 2;
            learner.flink().endInput();
            assertEquals(List.of("0", "1"), learner.out());
        }
    }

    @Test
    void rowsOfTableOperatorsAreCopiedAlways() throws Exception {
        InternalTypeInfo<RowData> type = InternalTypeInfo.ofFields(
                new LogicalType[] {new DoubleType(), new DoubleType(), new IntType(), new DoubleType(), new IntType()},
                new String[] {"hour", "distance", "seats", "wind", "late"});
        try (LearnerHarness<RowData> learner =
                LearnerHarness.restored(Bundles.flights(), type, null, new ExecutionConfig(), o -> o.maxDelay = -1)) {
            GenericRowData one = GenericRowData.of(0.5, 0.5, 0, 0.5, 1);
            learner.send(one, 0);
            one.setField(2, 1);
            learner.send(one, 1);
            learner.flink().endInput();
            assertEquals(0, learner.scored().get(0).getValue().record().getInt(2));
            assertEquals(1, learner.scored().get(1).getValue().record().getInt(2));
        }
    }

    @Test
    void anEncoderMayLeaveTheLabelOut() throws Exception {
        Encoder<Flight> encoder = (flight, row) -> {
            row.set("hour", flight.hour).set("distance", flight.distance).set("seats", flight.seats).set("wind", flight.wind);
            if (flight.late != null) {
                row.set("late", flight.late);
            }
        };
        try (LearnerHarness<Flight> learner = learner(o -> {
            withBatch(o);
            o.encoder = encoder;
        })) {
            for (int i = 0; i < 3; i++) {
                learner.send(Flight.landed(i), i);
            }
            learner.send(Flight.departing(3), 3);
            assertEquals(List.of(), learner.out(), "it does not fill the batch");
            learner.send(Flight.landed(4), 4);
            assertEquals(List.of("0", "1", "2", "3", "4"), learner.out());
            assertEquals(List.of(4), rows(learner.newReports()));
        }
    }

    @Test
    void whateverAnEncoderThrowsRefusesItsRecord() throws Exception {
        try (LearnerHarness<Flight> learner = learner(o -> o.encoder = (flight, row) -> {
            throw new IllegalStateException("no map of " + flight);
        })) {
            learner.send(Flight.landed(8), 0);
            assertEquals(List.of(), learner.out());
            String reason = learner.newRefused().get(0).reason();
            assertTrue(reason.contains("no map of flight 8"), reason);
        }
    }

    @Test
    void moreSubtasksNeedToSayWhatTheyShare() {
        LearnOptions<Flight> options = new LearnOptions<>();
        options.model = ModelSpec.of(BundleSource.of("any"));
        options.checkParallelism(1);
        String message =
                assertThrows(IllegalArgumentException.class, () -> options.checkParallelism(2)).getMessage();
        assertTrue(message.contains("shared(name)") && message.contains("own()"), message);
        options.own = true;
        options.checkParallelism(2);
    }
}
