package dev.streamgrad.flink;

import dev.streamgrad.Checkpoint;
import dev.streamgrad.Trainer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What jobs ended with, bits and all, by name; jobs and tests share this JVM. */
final class Learned {
    private static final Map<String, String> KEPT = new ConcurrentHashMap<>();
    private static final Pattern FACTS = Pattern.compile("\"(bytes|sha256|steps|runs)\": (\"[0-9a-f]{64}\"|[0-9]+)");

    private Learned() {}

    /** For {@link Learning#atEnd}. */
    static TrainerAction keep(String job) {
        return trainer -> KEPT.put(job, everything(trainer));
    }

    /** What {@link #everything} was at the end of that job; null if it did not get there. */
    static String by(String job) {
        return KEPT.get(job);
    }

    /**
     * Steps, runs, and the SHA-256 of all parameters and state, and of all slots, metrics and position: as the manifest of a
     * checkpoint has them, which comes first in its stream.
     */
    static String everything(Trainer trainer) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (Checkpoint checkpoint = trainer.checkpoint()) {
            checkpoint.writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String stream = out.toString(StandardCharsets.ISO_8859_1);
        Matcher facts = FACTS.matcher(stream.substring(0, stream.indexOf("snapshot.json.sha256")));
        StringBuilder found = new StringBuilder();
        while (facts.find()) {
            found.append(facts.group()).append('\n');
        }
        return found.toString();
    }
}
