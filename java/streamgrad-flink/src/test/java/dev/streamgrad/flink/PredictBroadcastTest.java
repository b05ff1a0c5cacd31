package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.streamgrad.Predictor;
import dev.streamgrad.VersionId;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What updates do, what they cannot do, and that a restarted subtask stays where they said. */
final class PredictBroadcastTest {
    private static final Flight FLIGHT = Flight.landed(5);

    @TempDir
    Path temporary;

    private Saving saving;
    private final List<VersionId> saved = new ArrayList<>();

    @BeforeEach
    void save() {
        saving = new Saving(temporary.resolve("model"), 4);
        for (int i = 0; i < 3; i++) {
            saved.add(saving.save());
        }
    }

    @AfterEach
    void close() {
        saving.close();
    }

    /** Follows the folder, but looks for news only when it begins. */
    private PredictHarness open(OperatorSubtaskState state) throws Exception {
        return PredictHarness.open(quiet(), state);
    }

    private PredictOptions<Flight> quiet() {
        PredictOptions<Flight> options = PredictOptions.bundle(BundleSource.of(Bundles.flights()), Cluster.FLIGHT);
        options.folder = saving.folder.toString();
        options.every(Duration.ZERO);
        return options;
    }

    private PredictHarness open() throws Exception {
        return open(null);
    }

    private void predictsBy(VersionId version, PredictHarness subtask) throws Exception {
        Scored<Flight> scored = subtask.predict(FLIGHT);
        assertEquals(version, scored.versionId());
        assertEquals(saving.prediction(version, FLIGHT), scored.prediction());
        assertEquals(FLIGHT, scored.record());
    }

    private static void predictsByRetrained(PredictHarness subtask) throws Exception {
        try (Predictor own = Predictor.builder(Path.of(Bundles.retrained())).open()) {
            Scored<Flight> scored = subtask.predict(FLIGHT);
            assertEquals(own.version(), scored.versionId());
            assertEquals(Saving.prediction(own, FLIGHT), scored.prediction());
        }
    }

    @Test
    void aVersionIsNamedInEachWay() throws Exception {
        try (PredictHarness subtask = open()) {
            predictsBy(saved.get(2), subtask);
            subtask.update(ModelUpdate.version(saved.get(0)));
            predictsBy(saved.get(0), subtask);
            subtask.update(ModelUpdate.version("2"));
            predictsBy(saved.get(1), subtask);
            subtask.update(ModelUpdate.version(saved.get(2).toString()));
            predictsBy(saved.get(2), subtask);
            subtask.update(ModelUpdate.bundle(Bundles.retrained()));
            predictsByRetrained(subtask);
            subtask.update(ModelUpdate.version("1"));
            predictsBy(saved.get(0), subtask);
            assertNotEquals(saving.prediction(saved.get(0), FLIGHT), saving.prediction(saved.get(1), FLIGHT));
            assertEquals(List.of(), subtask.newRefusedUpdates());
        }
    }

    @Test
    void rollbackGoesBackThroughWhatPredicted() throws Exception {
        try (PredictHarness subtask = open()) {
            predictsBy(saved.get(2), subtask);
            subtask.update(ModelUpdate.version(saved.get(0)));
            subtask.update(ModelUpdate.version(saved.get(0))); // once more changes nothing
            subtask.update(ModelUpdate.bundle(Bundles.retrained()));
            predictsByRetrained(subtask);
            subtask.update(ModelUpdate.rollback());
            predictsBy(saved.get(0), subtask);
            subtask.update(ModelUpdate.rollback());
            predictsBy(saved.get(2), subtask);
            subtask.update(ModelUpdate.rollback());
            Refused refused = subtask.newRefusedUpdates().get(0);
            assertEquals(ModelUpdate.rollback(), refused.record());
            assertTrue(refused.reason().contains("nothing predicted here before version " + saved.get(2)), refused.reason());
            predictsBy(saved.get(2), subtask);
        }
    }

    @Test
    void unpinnedItFollowsAgain() throws Exception {
        PredictOptions<Flight> options = quiet();
        options.every(Duration.ofMillis(5));
        try (PredictHarness subtask = PredictHarness.open(options, null)) {
            predictsBy(saved.get(2), subtask);
            subtask.update(ModelUpdate.pin());
            VersionId newer = saving.save();
            Thread.sleep(100);
            predictsBy(saved.get(2), subtask);
            subtask.update(ModelUpdate.unpin());
            until(newer, subtask);
            // From another bundle, too; and a rollback goes back to that.
            subtask.update(ModelUpdate.bundle(Bundles.retrained()));
            predictsByRetrained(subtask);
            VersionId newest = saving.save();
            subtask.update(ModelUpdate.unpin());
            until(newest, subtask);
            subtask.update(ModelUpdate.rollback());
            predictsByRetrained(subtask);
        }
    }

    private static void until(VersionId version, PredictHarness subtask) throws Exception {
        for (int i = 0; !subtask.predict(FLIGHT).versionId().equals(version); i++) {
            assertTrue(i < 2_000, "waited in vain for " + version);
            Thread.sleep(5);
        }
    }

    @Test
    void anUpdateThatCannotBeFollowedIsRefusedAndTheOldVersionStays() throws Exception {
        saving.flip(saved.get(1));
        VersionId never = VersionId.of(saved.get(0).lineage(), 99);
        Path nowhere = temporary.resolve("nowhere");
        Object[][] wrong = {
            {ModelUpdate.version(never), saved.get(2).toString()},
            {ModelUpdate.version("99"), saved.get(2).toString()},
            {ModelUpdate.version("the newest"), "16 lower-case hexadecimal digits"},
            {ModelUpdate.version(""), "16 lower-case hexadecimal digits"},
            {ModelUpdate.version("99999999999999999999"), "16 lower-case hexadecimal digits"},
            {ModelUpdate.version(saved.get(1)), "model.safetensors"},
            {ModelUpdate.bundle(nowhere.toString()), "nowhere"},
            {ModelUpdate.bundle(nowhere.toUri().toString()), "nowhere"},
            {ModelUpdate.bundle(Bundles.delays()), "other columns"},
            {ModelUpdate.bundle("ship:" + Bundles.retrained()), "cached:"},
            {ModelUpdate.bundle(""), "not nothing"},
            {ModelUpdate.rollback(), "nothing predicted here before"},
        };
        try (PredictHarness subtask = open()) {
            for (Object[] update : wrong) {
                subtask.update((ModelUpdate) update[0]);
                List<Refused> refused = subtask.newRefusedUpdates();
                assertEquals(1, refused.size());
                assertEquals(update[0], refused.get(0).record());
                assertTrue(refused.get(0).reason().contains((String) update[1]), update[0] + ": " + refused.get(0).reason());
                predictsBy(saved.get(2), subtask);
            }
        }
    }

    @Test
    void aRecordThatCannotBeEncodedIsRefused() throws Exception {
        try (PredictHarness subtask = open()) {
            Flight windless = Flight.departing(3);
            windless.wind = null;
            assertNull(subtask.predict(windless));
            Flight nameless = Flight.departing(4);
            nameless.hour = Double.NaN;
            assertNull(subtask.predict(nameless));
            predictsBy(saved.get(2), subtask);
            List<Refused> refused = subtask.refusedRecords();
            assertEquals(List.of(windless, nameless), List.of(refused.get(0).record(), refused.get(1).record()));
            assertTrue(refused.get(0).reason().contains("wind"), refused.get(0).reason());
            assertTrue(refused.get(1).reason().contains("hour"), refused.get(1).reason());
        }
    }

    @Test
    void aRestartedSubtaskStaysWhereUpdatesSaid() throws Exception {
        OperatorSubtaskState following;
        OperatorSubtaskState pinned;
        OperatorSubtaskState bundled;
        try (PredictHarness subtask = open()) {
            predictsBy(saved.get(2), subtask);
            following = subtask.checkpoint();
            subtask.update(ModelUpdate.version(saved.get(1)));
            pinned = subtask.checkpoint();
            subtask.update(ModelUpdate.bundle(Bundles.retrained()));
            bundled = subtask.checkpoint();
        }
        VersionId newer = saving.save();
        try (PredictHarness subtask = open(following)) {
            predictsBy(newer, subtask);
            subtask.update(ModelUpdate.rollback());
            predictsBy(saved.get(2), subtask);
        }
        try (PredictHarness subtask = open(pinned)) {
            predictsBy(saved.get(1), subtask);
            subtask.update(ModelUpdate.rollback());
            predictsBy(saved.get(2), subtask);
            assertEquals(List.of(), subtask.newRefusedUpdates());
        }
        try (PredictHarness subtask = open(bundled)) {
            predictsByRetrained(subtask);
            subtask.update(ModelUpdate.rollback());
            predictsBy(saved.get(1), subtask);
            subtask.update(ModelUpdate.unpin());
            assertEquals(List.of(), subtask.newRefusedUpdates());
        }
    }

    @Test
    void afterRescalingEverySubtaskStaysWhereUpdatesSaid() throws Exception {
        OperatorSubtaskState pinned;
        try (PredictHarness subtask = open()) {
            subtask.update(ModelUpdate.version(saved.get(1)));
            pinned = subtask.checkpoint();
        }
        for (int i = 0; i < 3; i++) {
            try (PredictHarness subtask = PredictHarness.open(quiet(), pinned, 3, i)) {
                predictsBy(saved.get(1), subtask);
                subtask.update(ModelUpdate.rollback());
                predictsBy(saved.get(2), subtask);
            }
        }
    }

    @Test
    void aRollbackToWhatIsNotKeptAnyMoreIsRefused() throws Exception {
        try (PredictHarness subtask = open()) {
            subtask.update(ModelUpdate.version(saved.get(0)));
            subtask.update(ModelUpdate.version(saved.get(2)));
            for (int i = 0; i < 2; i++) { // the folder keeps four
                saving.save();
            }
            subtask.update(ModelUpdate.rollback());
            Refused refused = subtask.newRefusedUpdates().get(0);
            assertTrue(refused.reason().contains(saved.get(0).toString()), refused.reason());
            predictsBy(saved.get(2), subtask);
        }
    }

    @Test
    void aVersionThatIsNotKeptAnyMoreIsToldAndTheNewestPredicts() throws Exception {
        OperatorSubtaskState pinned;
        try (PredictHarness subtask = open()) {
            subtask.update(ModelUpdate.version(saved.get(0)));
            predictsBy(saved.get(0), subtask);
            pinned = subtask.checkpoint();
        }
        VersionId newest = null;
        for (int i = 0; i < 4; i++) { // the folder keeps four
            newest = saving.save();
        }
        try (PredictHarness subtask = open(pinned)) {
            predictsBy(newest, subtask);
            Refused refused = subtask.newRefusedUpdates().get(0);
            assertEquals(ModelUpdate.version(saved.get(0)), refused.record());
            assertTrue(refused.reason().contains(saved.get(0).toString()), refused.reason());
            predictsBy(newest, subtask);
            assertEquals(List.of(), subtask.newRefusedUpdates(), "it is told once");
        }
    }
}
