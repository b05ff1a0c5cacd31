package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.Checkpoint;
import dev.streamgrad.FolderStore;
import dev.streamgrad.LockedException;
import dev.streamgrad.Trainer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.runtime.checkpoint.CheckpointOptions;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.OperatorStateHandle;
import org.apache.flink.runtime.state.memory.MemCheckpointStreamFactory;
import org.apache.flink.streaming.api.operators.OperatorSnapshotFutures;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a checkpoint keeps of the parameters, and how it goes on. */
final class LearnCheckpointTest {
    private static final TypeInformation<Flight> FLIGHT = TypeInformation.of(Flight.class);
    private static final int BATCH = 4;

    @TempDir
    Path temporary;

    private static LearnerHarness<Flight> learner(OperatorSubtaskState state, Consumer<LearnOptions<Flight>> options)
            throws Exception {
        return subtask(state, 0, 1, options);
    }

    private static LearnerHarness<Flight> subtask(
            OperatorSubtaskState state, int subtask, int parallelism, Consumer<LearnOptions<Flight>> options)
            throws Exception {
        Consumer<LearnOptions<Flight>> all = options.andThen(o -> {
            o.batchRows = BATCH;
            o.maxDelay = -1;
        });
        return LearnerHarness.subtask(Bundles.flights(), FLIGHT, state, new ExecutionConfig(), subtask, parallelism, all);
    }

    private static void send(LearnerHarness<Flight> learner, int from, int to) throws Exception {
        for (int i = from; i < to; i++) {
            learner.send(Flight.landed(i), i);
        }
    }

    /** The state that one learner of these rows leaves, for each of so many subtasks. */
    private static List<OperatorSubtaskState> rescaled(OperatorSubtaskState state, int from, int to) {
        List<OperatorSubtaskState> states = new ArrayList<>();
        for (int i = 0; i < to; i++) {
            states.add(AbstractStreamOperatorTestHarness.repartitionOperatorState(
                    state, LearnerHarness.MAX_PARALLELISM, from, to, i));
        }
        return states;
    }

    @AfterEach
    void nothingIsHeld() {
        assertEquals(0, Checkpoint.held());
        assertEquals(0, SharedTrainers.size());
    }

    @Test
    void everythingGoesOnBitForBit() throws Exception {
        String wanted;
        try (LearnerHarness<Flight> calm = learner(null, o -> {})) {
            send(calm, 0, 50);
            calm.flink().endInput();
            wanted = Learned.everything(calm.trainer());
        }
        OperatorSubtaskState state;
        try (LearnerHarness<Flight> before = learner(null, o -> {})) {
            send(before, 0, 23);
            state = before.checkpoint(1);
            send(before, 23, 40);
        }
        try (LearnerHarness<Flight> after = learner(state, o -> {})) {
            assertEquals(23 / BATCH, after.trainer().version());
            send(after, 23, 50);
            after.flink().endInput();
            assertEquals(wanted, Learned.everything(after.trainer()));
        }
        assertTrue(wanted.contains("\"steps\": 13"), wanted);
    }

    @Test
    void withSubtasksOfTheirOwnEachFindsWhatItWroteOrStartsFromAnothers() throws Exception {
        Consumer<LearnOptions<Flight>> own = o -> o.own = true;
        OperatorSubtaskState[] states = new OperatorSubtaskState[2];
        List<String> kept = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            try (LearnerHarness<Flight> before = subtask(null, i, 2, own)) {
                send(before, 100 * i, 100 * i + 8 * (i + 1));
                states[i] = before.checkpoint(1);
                kept.add(Learned.everything(before.trainer()));
            }
        }
        assertNotEquals(kept.get(0), kept.get(1));
        OperatorSubtaskState both = AbstractStreamOperatorTestHarness.repackageState(states);
        for (int parallelism : new int[] {1, 2, 3, 5}) {
            List<String> found = new ArrayList<>();
            for (int i = 0; i < parallelism; i++) {
                OperatorSubtaskState mine = rescaled(both, 2, parallelism).get(i);
                try (LearnerHarness<Flight> after = subtask(mine, i, parallelism, own)) {
                    found.add(Learned.everything(after.trainer()));
                }
            }
            List<String> wanted = new ArrayList<>();
            for (int i = 0; i < parallelism; i++) {
                wanted.add(kept.get(i % 2));
            }
            assertEquals(wanted, found, "of " + parallelism);
        }
    }

    @Test
    void ofSubtasksThatShareParametersOneWritesAndOneRestores() throws Exception {
        Consumer<LearnOptions<Flight>> shared = o -> o.model = o.model.sharedAs("all");
        OperatorSubtaskState[] states = new OperatorSubtaskState[2];
        String kept;
        try (LearnerHarness<Flight> first = subtask(null, 0, 2, shared);
                LearnerHarness<Flight> second = subtask(null, 1, 2, shared)) {
            send(first, 0, 8);
            send(second, 8, 20);
            states[1] = second.checkpoint(1);
            states[0] = first.checkpoint(1);
            kept = Learned.everything(first.trainer());
            assertEquals(5, second.trainer().version());
        }
        assertEquals(0, states[0].getRawOperatorState().size(), "the second came first to the barrier");
        assertEquals(1, states[1].getRawOperatorState().size());
        for (int parallelism : new int[] {1, 2, 3}) {
            List<LearnerHarness<Flight>> after = new ArrayList<>();
            try {
                // Flink gives each subtask the streams of all: here, of the one that wrote.
                while (after.size() < parallelism) {
                    after.add(subtask(states[1], after.size(), parallelism, shared));
                    assertEquals(kept, Learned.everything(after.get(0).trainer()));
                    send(after.get(0), 0, BATCH);
                    assertEquals(5 + after.size(), after.get(0).trainer().version(), "who comes later restores nothing");
                    kept = Learned.everything(after.get(0).trainer());
                }
            } finally {
                after.forEach(LearnerHarness::close);
            }
            try (LearnerHarness<Flight> again = subtask(states[1], 0, 1, shared)) {
                kept = Learned.everything(again.trainer());
            }
        }
    }

    @Test
    void aCheckpointOfAnotherBundleIsRefused() throws Exception {
        OperatorSubtaskState state;
        try (LearnerHarness<Flight> before = learner(null, o -> {})) {
            send(before, 0, 8);
            state = before.checkpoint(1);
        }
        Exception failure = assertThrows(
                Exception.class,
                () -> learner(state, o -> o.model = ModelSpec.of(BundleSource.of(Bundles.delays()))).close());
        assertTrue(ExceptionUtils.findThrowableWithMessage(failure, "is of another bundle").isPresent(), failure.toString());
    }

    @Test
    void whatIsAbortedOrNeverWrittenLetsGoOfItsPin() throws Exception {
        try (LearnerHarness<Flight> learner = learner(null, o -> {})) {
            send(learner, 0, 8);
            for (int id = 1; id < 4; id++) {
                OperatorSnapshotFutures futures = begin(learner, id);
                assertEquals(1, Checkpoint.held());
                futures.cancel();
                learner.flink().getOperator().notifyCheckpointAborted(id);
                assertEquals(0, Checkpoint.held());
            }
            Exception full = assertThrows(Exception.class, () -> {
                OperatorSnapshotFutures futures = learner.flink().getOperator().snapshotState(
                        5, 5, CheckpointOptions.forCheckpointWithDefaultLocation(), new MemCheckpointStreamFactory(100));
                futures.getOperatorStateRawFuture().run();
                futures.getOperatorStateRawFuture().get();
            });
            assertTrue(full.toString().contains("Size of the state is larger"), full.toString());
            assertEquals(0, Checkpoint.held());
        }
    }

    private static OperatorSnapshotFutures begin(LearnerHarness<Flight> learner, long id) throws Exception {
        return learner.flink().getOperator().snapshotState(
                id, id, CheckpointOptions.forCheckpointWithDefaultLocation(), new MemCheckpointStreamFactory(1 << 20));
    }

    @Test
    void whatIsPinnedOutlivesTheOperatorAndEndsWithTheTask() throws Exception {
        try (LearnerHarness<Flight> learner = learner(null, o -> {})) {
            send(learner, 0, 8);
            OperatorSnapshotFutures late = begin(learner, 1);
            OperatorSnapshotFutures never = begin(learner, 2);
            assertEquals(2, Checkpoint.held());
            LearnOperator<?> operator = (LearnOperator<?>) (Object) learner.flink().getOperator();
            operator.close();
            late.getOperatorStateRawFuture().run();
            OperatorStateHandle written = late.getOperatorStateRawFuture().get().getJobManagerOwnedSnapshot();
            assertTrue(written.getStateSize() > 1000);
            assertEquals(1, Checkpoint.held());
            operator.getContainingTask().getCancelables().close();
            assertEquals(0, Checkpoint.held());
            assertTrue(never.getOperatorStateRawFuture().isCancelled());
        }
    }

    private Consumer<LearnOptions<Flight>> byReference() {
        return o -> {
            o.model = o.model.in(new FolderSpec(
                    temporary.resolve("model").toString(), f -> f.every(Duration.ZERO).onClose(false).keepLast(1)));
            o.byReference = true;
        };
    }

    private static List<Long> kept(LearnerHarness<Flight> learner) {
        return learner.trainer().keptVersions().stream().map(v -> v.version().number()).collect(Collectors.toList());
    }

    @Test
    void byReferenceTheFolderHoldsWhatACheckpointNames() throws Exception {
        OperatorSubtaskState second;
        OperatorSubtaskState savepoint;
        String wanted;
        try (LearnerHarness<Flight> before = learner(null, byReference())) {
            send(before, 0, 4);
            before.checkpoint(1);
            send(before, 4, 8);
            second = before.checkpoint(2);
            wanted = Learned.everything(before.trainer());
            assertTrue(second.getRawOperatorState().getStateSize() < 100);
            assertEquals(List.of(1L, 2L), kept(before), "the first may be needed until the second is complete");
            before.flink().notifyOfCompletedCheckpoint(2);
            send(before, 8, 16);
            before.trainer().save();
            assertEquals(List.of(2L, 4L), kept(before));
            savepoint = before.savepoint(3);
            assertTrue(savepoint.getRawOperatorState().getStateSize() > 1000, "a savepoint has the bytes");
        }
        for (int attempt = 0; attempt < 3; attempt++) {
            try (LearnerHarness<Flight> after = learner(second, byReference())) {
                assertEquals(wanted, Learned.everything(after.trainer()), "the checkpoint wins over the folder");
                send(after, 8, 24);
                after.trainer().save();
                assertEquals(List.of(2L, 6L), kept(after), "another failure comes back to the same checkpoint");
                if (attempt == 2) {
                    after.checkpoint(4);
                    after.flink().notifyOfCompletedCheckpoint(4);
                    send(after, 24, 28);
                    after.trainer().save();
                    assertEquals(List.of(6L, 7L), kept(after));
                }
            }
        }
        try (LearnerHarness<Flight> moved = learner(savepoint, o -> {})) {
            assertEquals(4, moved.trainer().version(), "without the folder");
        }
        Exception failure = assertThrows(Exception.class, () -> learner(second, o -> {}).close());
        assertTrue(ExceptionUtils.findThrowableWithMessage(failure, "only refers to version").isPresent());
        Exception gone = assertThrows(Exception.class, () -> learner(second, byReference()).close());
        assertTrue(ExceptionUtils.findThrowableWithMessage(gone, "keeps no version").isPresent(), gone.toString());
    }

    @Test
    void anAbortedReferenceHoldsNothing() throws Exception {
        try (LearnerHarness<Flight> learner = learner(null, byReference())) {
            send(learner, 0, 4);
            learner.checkpoint(1);
            learner.flink().getOperator().notifyCheckpointAborted(1);
            send(learner, 4, 8);
            learner.trainer().save();
            assertEquals(List.of(2L), kept(learner));
        }
    }

    @Test
    void aRestartedLearnerWaitsForTheOldAttempt() throws Exception {
        Trainer old = Trainer.open(Path.of(Bundles.flights()), temporary.resolve("model"));
        Thread ending = new Thread(() -> {
            try {
                Thread.sleep(400);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            old.close();
        });
        ending.start();
        try (LearnerHarness<Flight> learner = learner(null, byReference())) {
            assertThrows(
                    LockedException.class,
                    () -> Trainer.builder(Path.of(Bundles.flights()))
                            .store(FolderStore.at(temporary.resolve("model")))
                            .open());
            assertEquals(0, learner.trainer().version());
        }
        ending.join();
    }
}
