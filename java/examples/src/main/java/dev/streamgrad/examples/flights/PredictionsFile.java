package dev.streamgrad.examples.flights;

import com.fasterxml.jackson.core.io.NumberOutput;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * predictions.csv: {@code row,prediction,label} of every flight that landed, in the order of landings, and then what the
 * other models predicted. Used by one thread.
 */
final class PredictionsFile implements AutoCloseable {
    private final BufferedWriter lines;

    /** Of so many other models, under their names. */
    PredictionsFile(Path file, List<String> others) throws IOException {
        lines = Files.newBufferedWriter(file);
        lines.write("row,prediction,label");
        for (String other : others) {
            lines.write("," + other);
        }
        lines.write('\n');
    }

    void add(Outcome outcome) throws IOException {
        if (outcome.late == null) {
            return;
        }
        lines.write(Integer.toString(outcome.row));
        lines.write(',');
        int last = outcome.atDeparture.length - 1;
        lines.write(text(outcome.atDeparture[last]));
        lines.write(',');
        lines.write(outcome.late.toString());
        for (int other = 0; other < last; other++) {
            lines.write(',');
            lines.write(text(outcome.atDeparture[other]));
        }
        lines.write('\n');
    }

    /** The shortest text that reads as the same float, which Float.toString gives from JDK 19 on only. */
    private static String text(float probability) {
        return NumberOutput.toString(probability, true);
    }

    void flush() throws IOException {
        lines.flush();
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
