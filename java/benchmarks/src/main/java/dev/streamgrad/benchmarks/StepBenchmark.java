package dev.streamgrad.benchmarks;

import dev.streamgrad.Batch;
import dev.streamgrad.Column;
import dev.streamgrad.Predictions;
import dev.streamgrad.Report;
import dev.streamgrad.Trainer;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** A step and a prediction on a batch that stays as it is: the way through JNI, TensorFlow and the update. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class StepBenchmark {
    /** The folder of a bundle whose columns are numbers. */
    @Param({})
    public String bundle;

    /** Rows in the batch. */
    @Param({"1", "32", "256"})
    public int rows;

    private Trainer trainer;
    private Batch batch;

    /** Opens the bundle and fills a batch with numbers from a normal distribution and labels that the loss allows. */
    @Setup
    public void open() {
        trainer = Trainer.open(Path.of(bundle));
        batch = trainer.newBatch(rows);
        Random random = new Random(7);
        for (int i = 0; i < rows; i++) {
            batch.add(row -> {
                for (Column column : trainer.schema().columns()) {
                    double[] values = new double[column.elements()];
                    boolean label = column.role() == Column.Role.LABEL;
                    int classes = 1 + column.highest().orElse(0.0).intValue();
                    for (int j = 0; j < values.length; j++) {
                        values[j] = label ? random.nextInt(classes) : random.nextGaussian();
                    }
                    row.set(column.fields().get(0), values);
                }
            });
        }
    }

    /** Closes it. */
    @TearDown
    public void close() {
        trainer.close();
    }

    /** One step, its report read into the heap. */
    @Benchmark
    public Report step() {
        return trainer.step(batch);
    }

    /** One prediction, read into the heap. */
    @Benchmark
    public Predictions predict() {
        return trainer.predict(batch);
    }
}
