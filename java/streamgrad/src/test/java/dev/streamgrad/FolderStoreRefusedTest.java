package dev.streamgrad;

import static dev.streamgrad.Folders.flip;
import static dev.streamgrad.Folders.learn;
import static dev.streamgrad.Folders.look;
import static dev.streamgrad.Folders.open;
import static dev.streamgrad.Folders.position;
import static dev.streamgrad.Folders.renewFormat;
import static dev.streamgrad.Folders.sha256;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderStoreRefusedTest {
    private final Recording cnn = Recording.of("cnn-adam");

    @TempDir
    Path temporary;

    private Path model;

    @BeforeEach
    void name() {
        model = temporary.resolve("m\u00f6del");
    }

    private FolderStore quiet() {
        return Folders.quiet(model);
    }

    @Test
    void aDamagedSnapshotIsNamedAndOthersStay() throws IOException {
        VersionId one;
        VersionId two;
        try (Trainer trainer = open(cnn, quiet())) {
            learn(cnn, trainer, 1);
            one = trainer.save();
            learn(cnn, trainer, 1);
            two = trainer.save();
        }
        flip(Folders.model(model, two));
        SnapshotException e = assertThrows(SnapshotException.class, () -> open(cnn, quiet()));
        assertTrue(e.getMessage().contains("model.safetensors"), e.getMessage());
        try (Trainer trainer = open(cnn, quiet().restore(one))) {
            List<Object> before = look(cnn, trainer);
            assertThrows(SnapshotException.class, () -> trainer.rollback(two));
            assertEquals(before, look(cnn, trainer));
        }
    }

    @Test
    void aFolderThatWasHalfCopiedOrForgedIsRefused() throws Exception {
        VersionId good;
        VersionId bad;
        try (Trainer trainer = open(cnn, quiet())) {
            learn(cnn, trainer, 1);
            good = trainer.save();
            learn(cnn, trainer, 1);
            bad = trainer.save();
        }
        Path snapshot = model.resolve("snapshots").resolve(bad.toString());
        Path manifest = snapshot.resolve("snapshot.json");
        String text = Files.readString(manifest);
        for (String outside : new String[] {"../model.safetensors", "/etc/passwd"}) {
            String forged = text.replace("model.safetensors", outside);
            assertNotEquals(text, forged);
            Files.writeString(manifest, forged);
            Files.writeString(snapshot.resolve("snapshot.json.sha256"), sha256(forged) + "  snapshot.json\n");
            refused("snapshot.json", quiet().restore(bad));
            refused("snapshot.json", quiet());
        }
        Files.writeString(manifest, text);
        Files.writeString(snapshot.resolve("snapshot.json.sha256"), sha256(text) + "  snapshot.json\n");
        try (Trainer trainer = open(cnn, quiet())) {
            assertEquals(2, trainer.version());
        }
        for (String file : new String[] {"model.safetensors", "training.safetensors", "snapshot.json.sha256", "snapshot.json"}) {
            Files.delete(snapshot.resolve(file));
            refused(bad.toString(), quiet());
        }
        Files.delete(snapshot);
        refused("names version " + bad, quiet());
        try (Trainer trainer = open(cnn, quiet().restore(good))) {
            assertEquals(1, trainer.version());
        }
    }

    private void refused(String text, FolderStore store) {
        SnapshotException e = assertThrows(SnapshotException.class, () -> open(cnn, store));
        assertEquals(Status.INVALID_SNAPSHOT, e.status());
        assertTrue(e.getMessage().contains(text), e.getMessage());
    }

    @Test
    void aFolderOfSomethingElseIsRefused() throws IOException {
        FolderStore bundle = FolderStore.at(cnn.bundle);
        SnapshotException e = assertThrows(SnapshotException.class, () -> open(cnn, bundle));
        assertTrue(e.getMessage().contains("not the folder of a store"), e.getMessage());
        FolderStore nowhere = FolderStore.at(temporary.resolve("no").resolve("such"));
        assertEquals(Status.IO, assertThrows(StreamgradException.class, () -> open(cnn, nowhere)).status());
        try (Trainer trainer = open(cnn, quiet())) {
            trainer.save();
        }
        renewFormat(model);
        e = assertThrows(SnapshotException.class, () -> open(cnn, quiet()));
        assertTrue(e.getMessage().contains("format 2"), e.getMessage());
    }

    @Test
    void anotherBundleIsRefusedOrWarmStarted() {
        VersionId saved;
        List<float[]> values;
        try (Trainer trainer = open(cnn, quiet())) {
            learn(cnn, trainer, 5);
            saved = trainer.save();
            values = trainer.parameterNames().stream().map(trainer::parameter).collect(Collectors.toList());
        }
        Recording mlp = Recording.of("mlp-sgd");
        InvalidInputException e = assertThrows(InvalidInputException.class, () -> open(mlp, quiet()));
        assertTrue(e.getMessage().contains("dense_1/kernel") && e.getMessage().contains("warm start"), e.getMessage());
        Recording sgd = Recording.of("cnn-sgd");
        assertThrows(InvalidInputException.class, () -> open(sgd, quiet()));
        FolderStore both = quiet().warmStart(true).restore(saved);
        assertThrows(InvalidInputException.class, () -> open(sgd, both));
        try (Trainer trainer = open(sgd, quiet().warmStart(true))) {
            assertEquals(0, trainer.version());
            for (int i = 0; i < values.size(); i++) {
                assertArrayEquals(values.get(i), trainer.parameter(trainer.parameterNames().get(i)));
            }
            assertNotEquals(saved.lineage(), trainer.save().lineage());
        }
    }

    @Test
    void optionsOutOfRangeAreRefused() {
        FolderStore store = quiet();
        for (FolderStore bad : List.of(
                store.everySteps(-1),
                store.every(Duration.ofNanos(-1)),
                store.waitForWriter(Duration.ofSeconds(-1)),
                store.keepLast(0),
                store.keepLast(-1),
                store.keepHourly(-1),
                store.keepDaily(-1),
                store.deltas(-1),
                store.restore(VersionId.parse("0000000000000000-4")))) {
            assertThrows(InvalidInputException.class, () -> open(cnn, bad), bad.toString());
        }
        assertThrows(InvalidInputException.class, () -> FolderStore.at(Path.of("a\nb")));
        assertThrows(NullPointerException.class, () -> Trainer.builder(cnn.bundle).store(null));
        Duration ever = Duration.ofSeconds(Long.MAX_VALUE);
        try (Trainer trainer = open(cnn, store.every(ever).waitForWriter(ever))) {
            assertEquals(0, trainer.save().number());
        }
    }

    @Test
    void aTrainerWithoutStoreSaysSo() {
        try (Trainer trainer = Trainer.open(cnn.bundle)) {
            learn(cnn, trainer, 2);
            assertEquals(2, position(trainer));
            StreamgradException e = assertThrows(StreamgradException.class, trainer::save);
            assertEquals(Status.UNSUPPORTED, e.status());
            assertTrue(e.getMessage().contains("open it with a folder"), e.getMessage());
            assertThrows(StreamgradException.class, trainer::keptVersions);
            assertThrows(StreamgradException.class, () -> trainer.rollback(VersionId.parse("0000000000000000-4")));
            assertFalse(trainer.storeStatus().saved().isPresent());
            Batch batch = trainer.newBatch(Recording.ROWS);
            cnn.fill(batch, 0);
            byte[] longer = new byte[1000];
            longer[999] = 7;
            trainer.stepTo(batch, longer);
            assertArrayEquals(longer, trainer.position().orElseThrow());
            trainer.step(batch);
            assertArrayEquals(longer, trainer.position().orElseThrow(), "a step without one leaves it");
            trainer.stepTo(batch, new byte[0]);
            assertEquals(0, trainer.position().orElseThrow().length);
            assertThrows(NullPointerException.class, () -> trainer.stepTo(batch, null));
        }
    }

    @Test
    void aClosedTrainerAnswersNothing() {
        Trainer trainer = open(cnn, quiet());
        Batch batch = trainer.newBatch(Recording.ROWS);
        cnn.fill(batch, 0);
        VersionId zero = trainer.save();
        trainer.close();
        assertThrows(ClosedException.class, trainer::save);
        assertThrows(ClosedException.class, trainer::keptVersions);
        assertThrows(ClosedException.class, trainer::storeStatus);
        assertThrows(ClosedException.class, trainer::position);
        assertThrows(ClosedException.class, () -> trainer.rollback(zero));
        assertThrows(ClosedException.class, () -> trainer.stepTo(batch, new byte[1]));
    }
}
