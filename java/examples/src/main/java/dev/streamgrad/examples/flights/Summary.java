package dev.streamgrad.examples.flights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Month;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.flink.runtime.util.EnvironmentInformation;

/** What the demo found, for people and for programs. Immutable. */
final class Summary {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final Map<String, Scoreboard> models;
    private final Scoreboard scores;
    private final double seconds;

    /** Of all models by their names; the last is the demo's own. */
    Summary(Map<String, Scoreboard> models, double seconds) {
        this.models = models;
        this.scores = List.copyOf(models.values()).get(models.size() - 1);
        this.seconds = seconds;
    }

    String text() {
        Tally all = scores.all();
        StringBuilder beside = new StringBuilder();
        models.forEach((name, one) -> beside.append(String.format(
                Locale.ROOT, "  %-9s AUC %.4f, logloss %.4f%n", name, one.all().auc(), one.all().logloss())));
        return String.format(
                Locale.ROOT,
                "%n%,d flights, %,d of them landed, in %.1f s: %,.0f flights a second.%n"
                        + "Predicted at departure: AUC %.4f, logloss %.4f (base rate: %.4f). By model:%n%s"
                        + "Measured at landing the AUC would read %.4f: flattery, for by then the model had learned hours"
                        + " that nobody knew at departure.%n",
                scores.flights(),
                all.size(),
                seconds,
                scores.flights() / seconds,
                all.auc(),
                all.logloss(),
                all.baseRateLogloss(),
                beside,
                scores.atLanding().auc());
    }

    /** Writes summary.json; what has no value, as an AUC without a late flight, is null. */
    void write(Path file, Path bundle) throws IOException {
        ObjectNode summary = JSON.createObjectNode();
        summary.put("flights", scores.flights());
        summary.put("scored", scores.all().size());
        put(summary, scores.all());
        put(summary, "auc_at_landing", scores.atLanding().auc());
        ObjectNode others = summary.putObject("models");
        models.forEach((name, one) -> put(others.putObject(name), one.all()));
        for (Month month : Month.values()) {
            Tally tally = scores.month(month);
            ObjectNode entry = summary.withArray("months").addObject();
            entry.put("month", String.format(Locale.ROOT, "2013-%02d", month.getValue()));
            entry.put("scored", tally.size());
            put(entry, tally);
        }
        put(summary, "flights_per_second", scores.flights() / seconds);
        put(summary, "seconds", seconds);
        ObjectNode versions = summary.putObject("versions");
        versions.put("flink", EnvironmentInformation.getVersion());
        versions.put("java", Runtime.version().toString());
        JsonNode exporter = JSON.readTree(bundle.resolve("bundle.json").toFile()).path("versions");
        exporter.fieldNames().forEachRemaining(name -> versions.set(name, exporter.get(name)));
        JSON.writeValue(file.toFile(), summary);
    }

    private static void put(ObjectNode node, Tally tally) {
        put(node, "auc", tally.auc());
        put(node, "logloss", tally.logloss());
        put(node, "base_rate_logloss", tally.baseRateLogloss());
    }

    private static void put(ObjectNode node, String name, double value) {
        node.put(name, Double.isFinite(value) ? Double.valueOf(value) : null);
    }
}
