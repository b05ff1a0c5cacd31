package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What the tests share that work with folders of snapshots. */
final class Folders {
    private Folders() {}

    /** A store that saves only when it is told to. */
    static FolderStore quiet(Path folder) {
        return FolderStore.at(folder).every(Duration.ZERO).onClose(false);
    }

    static Trainer open(Recording recording, FolderStore store) {
        return Trainer.builder(recording.bundle).metricsWindow(40).store(store).open();
    }

    /** Learns the recorded batches in turn, as a host that knows its position. */
    static void learn(Recording recording, Trainer trainer, int steps) {
        Batch batch = trainer.newBatch(Recording.ROWS);
        for (int i = 0; i < steps; i++) {
            long next = position(trainer);
            recording.fill(batch, (int) (next % Recording.STEPS));
            byte[] bytes = ByteBuffer.allocate(Long.BYTES).putLong(next + 1).array();
            assertEquals(trainer.version() + 1, trainer.stepTo(batch, bytes).version());
        }
    }

    static long position(Trainer trainer) {
        return trainer.position().map(bytes -> ByteBuffer.wrap(bytes).getLong()).orElse(0L);
    }

    /** The bits of all parameters and of what they predict, and the metrics. */
    static List<Object> look(Recording recording, Trainer trainer) {
        Batch batch = trainer.newBatch(Recording.ROWS);
        recording.fill(batch, 3);
        Predictions predictions = trainer.predict(batch);
        Stream<float[]> rows = IntStream.range(0, Recording.ROWS).mapToObj(predictions::row);
        Stream<float[]> parameters = trainer.parameterNames().stream().map(trainer::parameter);
        List<Object> found = Stream.concat(rows, parameters)
                .map(values -> IntStream.range(0, values.length)
                        .mapToObj(i -> Float.floatToRawIntBits(values[i]))
                        .collect(Collectors.toList()))
                .collect(Collectors.toList());
        found.add(position(trainer));
        Metrics metrics = trainer.metrics();
        metrics.names().forEach(name -> found.add(List.of(metrics.value(name), metrics.window(name))));
        return found;
    }

    static void await(String what, BooleanSupplier done) throws InterruptedException {
        for (int i = 0; !done.getAsBoolean(); i++) {
            assertTrue(i < 2000, "waited in vain until " + what);
            Thread.sleep(10);
        }
    }

    /** The file of a snapshot that has what predicts. */
    static Path model(Path folder, VersionId version) {
        return folder.resolve("snapshots").resolve(version.toString()).resolve("model.safetensors");
    }

    /** Turns a bit of a file near its end. */
    static void flip(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 5] ^= 4;
        Files.write(file, bytes);
    }

    static String sha256(String text) throws NoSuchAlgorithmException {
        byte[] sum = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        return String.format("%064x", new BigInteger(1, sum));
    }

    /** Makes the folder one of a format that is not known yet. */
    static void renewFormat(Path folder) throws IOException {
        Path marker = folder.resolve("store.json");
        Files.writeString(marker, Files.readString(marker).replaceFirst("\"format\":\\s*1", "\"format\": 2"));
    }
}
