package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a bundle says of itself before it is opened. */
class BundleSchemaTest {
    private final Recording mlp = Recording.of("mlp-adagrad");

    @TempDir
    Path temporary;

    /** Nothing but the manifest, with no TensorFlow to be found. */
    private Path manifestAlone(String name) throws IOException {
        Path folder = Files.createDirectories(temporary.resolve(name));
        Files.copy(mlp.bundle.resolve("bundle.json"), folder.resolve("bundle.json"));
        return folder;
    }

    @Test
    void itIsThatOfTheModelThatIsOpened() throws IOException {
        Schema schema = Predictor.builder(manifestAlone("bundle")).tensorflow(Path.of("nowhere")).schema();
        try (Trainer trainer = Trainer.open(mlp.bundle)) {
            assertTrue(schema.fits(trainer.schema()));
            assertEquals(trainer.schema().fields().toString(), schema.fields().toString());
        }
        assertEquals(schema, Trainer.builder(mlp.bundle).learningRate(0.5).metricsWindow(9).schema());
        assertTrue(schema.parameters().isEmpty());
        assertFalse(schema.outputs().isEmpty());
    }

    @Test
    void ofNumberedBundlesTheHighestCounts() throws IOException {
        manifestAlone("models/2");
        Path models = manifestAlone("models/10").getParent();
        Files.delete(models.resolve("2/bundle.json"));
        assertEquals(Predictor.builder(mlp.bundle).schema(), Predictor.numbered(models).schema());
    }

    @Test
    void whatIsMissingOrDamagedIsNamed() throws IOException {
        BundleException none =
                assertThrows(BundleException.class, () -> Predictor.builder(Path.of("/nowhere")).schema());
        assertTrue(none.getMessage().contains("/nowhere"), none.getMessage());
        Path damaged = manifestAlone("damaged");
        Files.writeString(damaged.resolve("bundle.json"), "{");
        assertThrows(BundleException.class, () -> Predictor.builder(damaged).schema());
        assertThrows(BundleException.class, () -> Predictor.numbered(temporary).schema());
        StreamgradException absent =
                assertThrows(StreamgradException.class, () -> Predictor.numbered(Path.of("/nowhere")).schema());
        assertEquals(Status.IO, absent.status());
    }
}
