package dev.streamgrad.examples.flights;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/**
 * The end of the job: scores the predictions as flights land, tells how it goes, and writes predictions.csv and
 * summary.json. One subtask, whose order is that of the landings. Serialised with the job.
 */
final class Results implements Sink<Outcome> {
    private static final long serialVersionUID = 1L;

    private final String folder;
    private final List<String> bundles;
    private final int flights;
    private final long startMillis = System.currentTimeMillis();

    /** The folder to write into, the models' bundles, and how many flights will come. The clock starts now. */
    Results(Path folder, List<Path> bundles, int flights) {
        this.folder = folder.toString();
        this.bundles = bundles.stream().map(Path::toString).collect(Collectors.toList());
        this.flights = flights;
    }

    @Override
    public SinkWriter<Outcome> createWriter(WriterInitContext context) throws IOException {
        return new Writer();
    }

    private final class Writer implements SinkWriter<Outcome> {
        /** By the models' names; the last is the demo's own. */
        private final Map<String, Scoreboard> scores = new LinkedHashMap<>();
        private final Progress progress;
        private final PredictionsFile predictions;

        private Writer() throws IOException {
            bundles.forEach(bundle -> scores.put(FlightsDemo.name(Path.of(bundle)), new Scoreboard(scores.size())));
            List<String> names = new ArrayList<>(scores.keySet());
            String last = names.remove(names.size() - 1);
            progress = new Progress(scores.get(last), flights, startMillis);
            predictions = new PredictionsFile(Path.of(folder, "predictions.csv"), names);
        }

        @Override
        public void write(Outcome outcome, Context context) throws IOException {
            scores.values().forEach(one -> one.add(outcome));
            predictions.add(outcome);
            progress.show(outcome);
        }

        @Override
        public void flush(boolean endOfInput) throws IOException {
            if (!endOfInput) {
                return;
            }
            predictions.flush();
            progress.finish();
            Summary summary = new Summary(scores, (System.currentTimeMillis() - startMillis) / 1e3);
            summary.write(Path.of(folder, "summary.json"), Path.of(bundles.get(0)));
            System.out.print(summary.text());
        }

        @Override
        public void close() throws IOException {
            progress.close();
            predictions.close();
        }
    }
}
