package dev.streamgrad;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What a child JVM and a class loader of its own run: opens a bundle, learns, predicts, closes. Needs no JUnit. */
public final class Session {
    private Session() {}

    /** Prints how each session ended, one line each; arguments are recordings, or {@code library=<path>} and the like. */
    public static void main(String[] arguments) {
        Path library = null;
        Path tensorflow = null;
        int threads = 1;
        for (String argument : arguments) {
            if (argument.startsWith("library=")) {
                library = Path.of(argument.substring("library=".length()));
            } else if (argument.startsWith("tensorflow=")) {
                tensorflow = Path.of(argument.substring("tensorflow=".length()));
            } else if (argument.startsWith("threads=")) {
                threads = Integer.parseInt(argument.substring("threads=".length()));
            } else if (argument.startsWith("soak=")) {
                String[] soak = argument.substring("soak=".length()).split(",");
                System.out.println(soak(soak[0], Long.parseLong(soak[1]), Integer.parseInt(soak[2])));
            } else if (argument.startsWith("predict=")) {
                System.out.println(predict(argument.substring("predict=".length())));
            } else if (argument.equals("mapped")) {
                System.out.println(mapped());
            } else if (argument.equals("misuse")) {
                misuse();
            } else if (argument.startsWith("halt=")) {
                String[] halt = argument.substring("halt=".length()).split(",");
                learnAndHalt(halt[0], Path.of(halt[1]));
            } else {
                System.out.println(run(argument, library, tensorflow, threads));
            }
        }
    }

    /** The TensorFlow in this process. */
    private static String mapped() {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            Stream<String> files = maps.filter(line -> line.contains("/libtensorflow")).map(line -> line.substring(line.indexOf('/')));
            return "mapped " + files.distinct().sorted().collect(Collectors.joining(" "));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Learns the recording with the defaults. */
    public static String run(String recording) {
        return run(recording, null, null, 1);
    }

    private static String run(String recording, Path library, Path tensorflow, int threads) {
        Path path = Path.of(recording);
        Recording recorded = new Recording(path.getParent(), path.getFileName().toString());
        Builder builder = Trainer.builder(recorded.bundle).intraOpThreads(threads);
        if (library != null) {
            builder.library(library);
        }
        if (tensorflow != null) {
            builder.tensorflow(tensorflow);
        }
        try (Trainer trainer = builder.open()) {
            Batch batch = trainer.newBatch(Recording.ROWS);
            Report report = null;
            for (int step = 0; step < Recording.STEPS; step++) {
                recorded.fill(batch, step);
                report = trainer.step(batch);
            }
            trainer.predict(batch, 2, 5);
            try (Predictor predictor = Predictor.of(trainer)) {
                predictor.predict(batch, 2, 5);
                predictor.switchTo(predictor.pin());
                predictor.unpin();
                predictor.status();
                predictor.nativeBytes();
            }
            trainer.metrics();
            trainer.parameter(trainer.parameterNames().get(0));
            return "learned " + report.version() + " steps, " + trainer.nativeBytes() + " bytes";
        } catch (StreamgradException e) {
            return e.getClass().getSimpleName() + " " + e.status() + ": " + e.getMessage();
        }
    }

    /** Predicts the recording by the bundle's own values, without a trainer. */
    private static String predict(String recording) {
        Path path = Path.of(recording);
        Recording recorded = new Recording(path.getParent(), path.getFileName().toString());
        try (Predictor predictor = Predictor.builder(recorded.bundle).open()) {
            Batch batch = predictor.newBatch(Recording.ROWS);
            recorded.fill(batch, 0);
            return "predicted " + predictor.predict(batch).rows() + " rows by " + predictor.status();
        }
    }

    /** The bits of every number that learning the recording gives: per step the loss and all predictions, then the parameters. */
    public static int[] bits(String recording) {
        Path path = Path.of(recording);
        Recording recorded = new Recording(path.getParent(), path.getFileName().toString());
        try (Trainer trainer = Trainer.open(recorded.bundle)) {
            IntStream.Builder bits = IntStream.builder();
            Batch batch = trainer.newBatch(Recording.ROWS);
            for (int step = 0; step < Recording.STEPS; step++) {
                recorded.fill(batch, step);
                Report report = trainer.step(batch);
                bits.add(Float.floatToRawIntBits(report.loss()));
                for (int row = 0; row < Recording.ROWS; row++) {
                    addAll(bits, report.predictions().row(row));
                }
            }
            trainer.parameterNames().forEach(name -> addAll(bits, trainer.parameter(name)));
            return bits.build().toArray();
        }
    }

    private static void addAll(IntStream.Builder bits, float[] values) {
        for (float value : values) {
            bits.add(Float.floatToRawIntBits(value));
        }
    }

    /** How many bytes of resident memory the last nine tenths of so many steps added, and the second half of so many trainers. */
    private static String soak(String recording, long steps, int trainers) {
        Path path = Path.of(recording);
        Recording recorded = new Recording(path.getParent(), path.getFileName().toString());
        long start = 0;
        for (int i = 0; i < trainers; i++) {
            if (i == trainers / 2) {
                start = resident();
            }
            run(recording);
        }
        long opened = resident() - start;
        try (Trainer trainer = Trainer.open(recorded.bundle)) {
            Batch batch = trainer.newBatch(Recording.ROWS);
            for (long step = 0; step < steps; step++) {
                if (step == steps / 10) {
                    start = resident();
                }
                if (step % 1000 == 0) {
                    recorded.fill(batch, (int) (step / 1000 % Recording.STEPS));
                }
                trainer.step(batch);
            }
            return "soaked " + trainer.version() + " steps, added " + (resident() - start) + " and " + opened;
        }
    }

    private static long resident() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmRSS:")) {
                    return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
                }
            }
            throw new IllegalStateException("no VmRSS");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Learns three steps and saves, learns two more and dies. */
    private static void learnAndHalt(String recording, Path folder) {
        Path path = Path.of(recording);
        Recording recorded = new Recording(path.getParent(), path.getFileName().toString());
        Trainer trainer = Trainer.open(recorded.bundle, folder);
        Batch batch = trainer.newBatch(Recording.ROWS);
        for (int step = 0; step < 5; step++) {
            recorded.fill(batch, step);
            trainer.stepTo(batch, new byte[] {(byte) (step + 1)});
            if (step == 2) {
                System.out.println("saved " + trainer.save() + " of " + trainer.keptVersions().size());
            }
        }
        System.out.println(trainer.storeStatus() + ", position " + trainer.position().orElseThrow()[0]);
        Runtime.getRuntime().halt(9);
    }

    /** Everything that the native side refuses, so that its errors are looked at too. */
    private static void misuse() {
        ByteBuffer error = Call.newError();
        ByteBuffer heap = ByteBuffer.allocate(64);
        Native.trainerOpen(null, null, error);
        Native.trainerOpen(new byte[] {'x'}, new byte[] {'y'}, null);
        Native.trainerSchema(0, error);
        Native.trainerStep(0, null, 0, 0, null, 0, 0, null, 0, null, null);
        Native.trainerPredict(1, heap, -1, -1, -1, heap, -1, heap, heap);
        Native.trainerParameter(0, new byte[0], heap, error);
        Native.trainerMetrics(0, error, error);
        Native.trainerMemory(0, error);
        Native.trainerVersion(0, heap);
        Native.trainerPosition(0, error);
        Native.trainerSave(0, error);
        Native.trainerRollback(0, 1, -1, null);
        Native.trainerKeptVersions(1, heap);
        Native.trainerStoreStatus(-1, error);
        Native.trainerCheckpoint(0, error);
        Native.trainerRestore(0, 0, error);
        Native.trainerSaveCheckpoint(0, 0, null);
        Native.trainerHold(0, 1, -1, error);
        Native.trainerRelease(0, 1, -1, heap);
        Native.checkpointVersion(0, error);
        Native.checkpointRead(0, -1, heap, error);
        Native.checkpointClose(0, error);
        Native.arrivalWrite(0, null, -1, error);
        Native.arrivalClose(-1, error);
        Native.trainerClose(0, error);
        Native.predictorOf(0, error);
        Native.predictorOpen(null, null, error);
        Native.predictorNumbered(new byte[] {'x'}, new byte[] {'y'}, heap);
        Native.predictorSchema(0, error);
        Native.predictorPredict(1, heap, -1, -1, -1, heap, -1, heap, heap);
        Native.predictorMemory(0, error);
        Native.predictorVersion(0, null);
        Native.predictorStatus(-1, error);
        Native.predictorLook(0, heap);
        Native.predictorSwitch(0, null, 7, error);
        Native.predictorPinCurrent(0, error);
        Native.predictorUnpin(0, error);
        Native.predictorRollback(0, error);
        Native.predictorClose(0, error);
        Native.importedOpen(null, 8, 8, 1, error);
        Native.importedOpen(new byte[] {1}, 8, 8, 0, error);
        Native.trainerStepImported(0, 0, 0, null, 0, heap, error);
        Native.trainerPredictImported(1, 1, -1, -1, heap, error);
        Native.predictorPredictImported(0, -1, 0, 0, null, heap);
        Native.importedClose(-1, error);
    }
}
