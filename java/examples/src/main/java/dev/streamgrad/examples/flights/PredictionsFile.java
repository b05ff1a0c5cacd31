package dev.streamgrad.examples.flights;

import com.fasterxml.jackson.core.io.NumberOutput;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** predictions.csv: {@code row,prediction,label} of every flight that landed, in the order of landings. Used by one thread. */
final class PredictionsFile implements AutoCloseable {
    private final BufferedWriter lines;

    PredictionsFile(Path file) throws IOException {
        lines = Files.newBufferedWriter(file);
        lines.write("row,prediction,label\n");
    }

    void add(Outcome outcome) throws IOException {
        if (outcome.late == null) {
            return;
        }
        lines.write(Integer.toString(outcome.row));
        lines.write(',');
        // The shortest text that reads as the same float, which Float.toString gives from JDK 19 on only.
        lines.write(NumberOutput.toString(outcome.atDeparture, true));
        lines.write(',');
        lines.write(outcome.late.toString());
        lines.write('\n');
    }

    void flush() throws IOException {
        lines.flush();
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
