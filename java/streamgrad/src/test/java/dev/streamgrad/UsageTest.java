package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The lines that people write, run. */
class UsageTest {
    private static final class Flight {
        final int hour;
        final double distance;
        final int seats;
        final float wind;
        final boolean late;

        Flight(Random random) {
            hour = random.nextInt(24);
            distance = 100 + random.nextInt(2500);
            seats = 50 + random.nextInt(300);
            wind = random.nextFloat();
            late = hour > 16;
        }
    }

    @Test
    void tenLinesLearn() {
        Random random = new Random(1);
        List<Flight> flights = new ArrayList<>();
        for (int i = 0; i < 32; i++) {
            flights.add(new Flight(random));
        }
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8);

        try (Trainer trainer = Trainer.open(Recording.folder().resolve("flights.bundle"))) {
            Batch batch = trainer.newBatch(32);
            for (Flight f : flights) {
                batch.add(row -> row.set("hour", f.hour).set("distance", f.distance).set("seats", f.seats)
                        .set("wind", f.wind).set("late", f.late));
            }
            Report report = trainer.step(batch);
            out.printf("%.4f %.3f%n", report.loss(), report.metrics().auc());

            assertEquals(32, report.rows());
            assertEquals(1, report.version());
            assertTrue(report.predictions().value(31) >= 0 && report.predictions().value(31) <= 1);
            float first = report.loss();
            for (int i = 0; i < 300; i++) {
                report = trainer.step(batch);
            }
            assertTrue(report.loss() < first, first + " became " + report.loss());
        }
        assertTrue(printed.toString(StandardCharsets.UTF_8).matches("\\d+\\.\\d{4} \\d\\.\\d{3}\\R"));
    }
}
