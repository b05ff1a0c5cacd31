package dev.streamgrad.flink;

import dev.streamgrad.flink.bench.Numbers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.runtime.checkpoint.CheckpointOptions;
import org.apache.flink.runtime.state.filesystem.FsCheckpointStreamFactory;
import org.apache.flink.streaming.api.operators.OperatorSnapshotFinalizer;
import org.apache.flink.streaming.api.operators.OperatorSnapshotFutures;

/**
 * How long a checkpoint of a large model holds the task's thread, and how long the rest of it takes, written to a folder:
 * the operator by itself, a step between two checkpoints. {@code CheckpointHold BUNDLE FOLDER}
 */
public final class CheckpointHold {
    private static final int WARM_UP = 5;
    private static final int ROUNDS = 20;

    private CheckpointHold() {}

    /** The large models' record. */
    public static final class Wide {
        /** As many as the model has inputs. */
        public float[] numbers = new float[1024];
        /** Its class. */
        public long label;
    }

    /**
     * Measures.
     *
     * @param arguments the bundle of 100 MB; a folder to write into
     * @throws Exception what went wrong
     */
    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createTempDirectory(Path.of(arguments[1]), "checkpoints");
        var path = new org.apache.flink.core.fs.Path(folder.toUri());
        var streams = new FsCheckpointStreamFactory(FileSystem.getLocalFileSystem(), path, path, 1024, 64 << 10);
        List<Double> held = new ArrayList<>();
        List<Double> written = new ArrayList<>();
        try (var learner = LearnerHarness.of(arguments[0], Wide.class, options -> options.batchRows = 1)) {
            var operator = learner.flink().getOperator();
            CheckpointOptions options = CheckpointOptions.forCheckpointWithDefaultLocation();
            for (int round = 1; round <= WARM_UP + ROUNDS; round++) {
                learner.send(new Wide(), round);
                operator.prepareSnapshotPreBarrier(round);
                long barrier = System.nanoTime();
                OperatorSnapshotFutures futures = operator.snapshotState(round, round, options, streams);
                long free = System.nanoTime();
                var state = OperatorSnapshotFinalizer.create(futures).getJobManagerOwnedState();
                long done = System.nanoTime();
                if (round > WARM_UP) {
                    held.add((free - barrier) / 1e6);
                    written.add((done - free) / 1e9);
                }
                state.discardState();
            }
        }
        Files.delete(folder);
        held.sort(null);
        written.sort(null);
        String what = "flink checkpoint, 100 MB: ";
        Numbers.print(what + "the task's thread is held, median", held.get(ROUNDS / 2), "ms", "<= 1");
        Numbers.print(what + "the task's thread is held, longest of 20", held.get(ROUNDS - 1), "ms", null);
        Numbers.print(what + "written beside the stream, median", written.get(ROUNDS / 2), "s", null);
    }
}
