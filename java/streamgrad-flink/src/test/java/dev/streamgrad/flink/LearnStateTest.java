package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

/** What a checkpoint keeps of the unfinished batch, and how it goes on. */
final class LearnStateTest {
    private static final TypeInformation<Flight> FLIGHT = TypeInformation.of(Flight.class);

    private static LearnerHarness<Flight> learner(OperatorSubtaskState state, Consumer<LearnOptions<Flight>> options)
            throws Exception {
        return LearnerHarness.restored(
                Bundles.flights(), FLIGHT, state, new ExecutionConfig(), options.andThen(o -> o.batchRows = 4));
    }

    private static List<Integer> rows(List<StepReport> reports) {
        return reports.stream().map(StepReport::rows).collect(Collectors.toList());
    }

    @Test
    void rowsThatLeftAreLearnedAndDoNotLeaveAgain() throws Exception {
        OperatorSubtaskState state;
        try (LearnerHarness<Flight> before = learner(null, o -> o.maxDelay = 5)) {
            before.send(Flight.landed(0), 0);
            before.send(Flight.departing(1), 1);
            before.send(Flight.landed(2), 2);
            state = before.checkpoint(1);
            assertEquals(List.of("0", "1", "2"), before.out());
        }
        try (LearnerHarness<Flight> after = learner(state, o -> o.maxDelay = 5)) {
            after.send(Flight.landed(3), 3);
            after.send(Flight.landed(4), 4);
            assertEquals(List.of("3", "4"), after.out());
            assertEquals(List.of(4), rows(after.newReports()));
        }
    }

    @Test
    void rowsThatWaitLeaveWithTheirBatchAndKeepOrderAndTimestamps() throws Exception {
        OperatorSubtaskState state;
        try (LearnerHarness<Flight> before = learner(null, o -> o.maxDelay = -1)) {
            before.send(Flight.landed(0), 10);
            before.send(Flight.departing(1), 11);
            before.send(Flight.landed(2), 12);
            state = before.checkpoint(1);
            assertEquals(List.of(), before.out());
        }
        try (LearnerHarness<Flight> after = learner(state, o -> o.maxDelay = -1)) {
            after.flink().processWatermark(new Watermark(9));
            assertEquals(List.of(), after.out(), "the watermark is held behind restored rows, too");
            after.send(Flight.landed(3), 13);
            after.send(Flight.landed(4), 14);
            assertEquals(List.of("0", "1", "2", "3", "4", "W9"), after.out());
            assertEquals(
                    List.of(10L, 11L, 12L, 13L, 14L),
                    after.scored().stream().map(s -> s.getTimestamp()).collect(Collectors.toList()));
            assertEquals(List.of(4), rows(after.newReports()));
        }
    }

    @Test
    void aCheckpointInBetweenChangesNoBit() throws Exception {
        List<Scored<Flight>> calm;
        List<StepReport> calmReports;
        try (LearnerHarness<Flight> learner = learner(null, o -> o.maxDelay = -1)) {
            for (int i = 0; i < 8; i++) {
                learner.send(Flight.landed(i), i);
            }
            calm = learner.scored().stream().map(s -> s.getValue()).collect(Collectors.toList());
            calmReports = learner.newReports();
        }
        OperatorSubtaskState state;
        try (LearnerHarness<Flight> before = learner(null, o -> o.maxDelay = -1)) {
            before.send(Flight.landed(0), 0);
            before.send(Flight.landed(1), 1);
            state = before.checkpoint(1);
        }
        try (LearnerHarness<Flight> after = learner(state, o -> o.maxDelay = -1)) {
            for (int i = 2; i < 8; i++) {
                after.send(Flight.landed(i), i);
            }
            assertEquals(calm, after.scored().stream().map(s -> s.getValue()).collect(Collectors.toList()));
            assertEquals(
                    calmReports.stream().map(StepReport::loss).collect(Collectors.toList()),
                    after.newReports().stream().map(StepReport::loss).collect(Collectors.toList()));
        }
    }

    @Test
    void timersAreArmedAgainForRowsThatWait() throws Exception {
        OperatorSubtaskState state;
        try (LearnerHarness<Flight> before = learner(null, o -> o.maxDelay = -1)) {
            before.send(Flight.landed(0), 0);
            before.send(Flight.departing(1), 1);
            state = before.checkpoint(1);
        }
        try (LearnerHarness<Flight> after = learner(state, o -> {
            o.maxDelay = 5; // the job was changed in between
            o.learnAfter = 50;
        })) {
            after.at(1);
            after.at(6);
            assertEquals(List.of("0", "1"), after.out(), "no record had to come");
            after.at(51);
            assertEquals(List.of(1), rows(after.newReports()));
        }
    }

    @Test
    void theStatesOfSeveralSubtasksFitIntoOne() throws Exception {
        OperatorSubtaskState[] states = new OperatorSubtaskState[2];
        for (int i = 0; i < 2; i++) {
            try (LearnerHarness<Flight> before = learner(null, o -> {
                o.maxDelay = -1;
                o.maxWaitingRows = 4;
            })) {
                before.send(Flight.landed(10 * i), 0);
                for (int j = 1; j < 4; j++) {
                    before.send(Flight.departing(10 * i + j), j); // the fourth lets all leave
                }
                before.send(Flight.landed(10 * i + 4), 4);
                before.send(Flight.landed(10 * i + 5), 5);
                states[i] = before.checkpoint(1);
                assertEquals(4, before.out().size());
            }
        }
        try (LearnerHarness<Flight> after = learner(AbstractStreamOperatorTestHarness.repackageState(states), o -> o.maxDelay = -1)) {
            after.at(1);
            assertEquals(List.of("4", "5"), after.out(), "two that left and the first two that wait are a batch");
            assertEquals(List.of(4), rows(after.newReports()));
            after.flink().endInput();
            assertEquals(List.of("14", "15"), after.out());
            assertEquals(List.of(2), rows(after.newReports()));
        }
    }
}
