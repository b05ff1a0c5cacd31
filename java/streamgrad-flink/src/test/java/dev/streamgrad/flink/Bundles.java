package dev.streamgrad.flink;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.stream.Stream;

/** The bundles of these tests, exported by the real exporter when it or their script changed. */
final class Bundles {
    private static final Path ROOT = Path.of(System.getProperty("streamgrad.root")).toAbsolutePath().normalize();
    private static final Path FOLDER = Path.of(System.getProperty("streamgrad.bundles"));
    /** What {@code make peer} wrote. */
    private static final Path PEER = Path.of(System.getProperty("streamgrad.peer"));

    private static final Path SCRIPT = Path.of("src/test/python/bundles.py").toAbsolutePath();

    private Bundles() {}

    /** One scalar output {@code probability}; fields hour, distance, seats, wind; label late. */
    static String flights() {
        return bundle("flights.bundle");
    }

    /** The same as {@link #flights} with other first values. */
    static String retrained() {
        return bundle("retrained.bundle");
    }

    /** One scalar output; the same fields; label minutes, any number. */
    static String delays() {
        return bundle("delays.bundle");
    }

    /** Two outputs, late and gate; a string carrier, three weather figures; labels was_late and gate_number. */
    static String outcomes() {
        return bundle("outcomes.bundle");
    }

    /**
     * A feature of each type of numbers, such as {@code of_int64}, a {@code matrix} of float64, three {@code steps} of uint64 and a
     * {@code text}; what came in goes out, as {@code echo_int64}; label value.
     */
    static String echoes() {
        return bundle("echoes.bundle");
    }

    /**
     * One scalar output {@code click}; fields user, friends and items (tables of ids, the latter two of any number), hour;
     * label clicked. The rows of items expire after an hour of event time.
     */
    static String ids() {
        return PEER.resolve("ids.bundle").toString();
    }

    /** One scalar output {@code answer}, a weighted sum; a ragged field of each dtype, such as {@code of_int64}; label value. */
    static String everyRagged() {
        return PEER.resolve("every_ragged.bundle").toString();
    }

    /**
     * One scalar output {@code answer}: seats / 200, 10 if these are missing, 100 if the word is, 1000 for each hour; label value.
     */
    static String gaps() {
        return PEER.resolve("transforms_gaps.bundle").toString();
    }

    /** Fields gate (int32, vocabulary), stops, id (int64), all of which may be missing, and hour; label value. */
    static String integers() {
        return PEER.resolve("transforms_integers.bundle").toString();
    }

    /**
     * {@code keras}: fields numbers (three) and carrier, outputs late and delay (two); {@code words}: signatures find, with a
     * string among its outputs, and double, of a field x; {@code numbered}: three of the first.
     */
    static String saved(String name) {
        return PEER.resolve("saved").resolve(name).toString();
    }

    /** The ancestor's {@code lr}: fields input_x (13) and input_y, output logits. */
    static String described() {
        return PEER.resolve("ancestor/lr.json").toString();
    }

    private static synchronized String bundle(String name) {
        try {
            Path stamp = FOLDER.resolve("exported");
            if (!Files.exists(stamp) || Files.getLastModifiedTime(stamp).compareTo(newestSource()) < 0) {
                export();
                Files.writeString(stamp, "");
            }
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return FOLDER.resolve(name).toString();
    }

    private static FileTime newestSource() throws IOException {
        try (Stream<Path> sources = Files.walk(ROOT.resolve("python/src"))) {
            return Stream.concat(Stream.of(SCRIPT), sources.filter(path -> path.toString().endsWith(".py")))
                    .map(Bundles::modified)
                    .max(FileTime::compareTo)
                    .orElseThrow();
        }
    }

    private static FileTime modified(Path path) {
        try {
            return Files.getLastModifiedTime(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void export() throws IOException, InterruptedException {
        Files.createDirectories(FOLDER);
        File log = FOLDER.resolve("export.log").toFile();
        ProcessBuilder python = new ProcessBuilder(
                System.getProperty("streamgrad.python"), SCRIPT.toString(), FOLDER.toAbsolutePath().toString());
        python.environment().put("PYTHONPATH", ROOT.resolve("python/src").toString());
        int status = python.redirectErrorStream(true).redirectOutput(log).start().waitFor();
        if (status != 0) {
            throw new IllegalStateException("bundles.py failed:\n" + Files.readString(log.toPath()));
        }
    }
}
