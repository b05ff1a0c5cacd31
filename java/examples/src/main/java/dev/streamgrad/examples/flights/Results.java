package dev.streamgrad.examples.flights;

import java.io.IOException;
import java.nio.file.Path;
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
    private final String bundle;
    private final int flights;
    private final long startMillis = System.currentTimeMillis();

    /** The folder to write into, the model's bundle, and how many flights will come. The clock starts now. */
    Results(Path folder, Path bundle, int flights) {
        this.folder = folder.toString();
        this.bundle = bundle.toString();
        this.flights = flights;
    }

    @Override
    public SinkWriter<Outcome> createWriter(WriterInitContext context) throws IOException {
        return new Writer();
    }

    private final class Writer implements SinkWriter<Outcome> {
        private final Scoreboard scores = new Scoreboard();
        private final Progress progress = new Progress(scores, flights, startMillis);
        private final PredictionsFile predictions = new PredictionsFile(Path.of(folder, "predictions.csv"));

        private Writer() throws IOException {}

        @Override
        public void write(Outcome outcome, Context context) throws IOException {
            scores.add(outcome);
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
            summary.write(Path.of(folder, "summary.json"), Path.of(bundle));
            System.out.print(summary.text());
        }

        @Override
        public void close() throws IOException {
            progress.close();
            predictions.close();
        }
    }
}
