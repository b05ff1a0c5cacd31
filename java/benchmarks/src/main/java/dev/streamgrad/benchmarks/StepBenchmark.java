package dev.streamgrad.benchmarks;

import dev.streamgrad.Batch;
import dev.streamgrad.Column;
import dev.streamgrad.Predictions;
import dev.streamgrad.Report;
import dev.streamgrad.Row;
import dev.streamgrad.Trainer;
import java.nio.file.Path;
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
@Measurement(iterations = 20, time = 200, timeUnit = TimeUnit.MILLISECONDS)
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

    /** Opens the bundle and fills a batch with the numbers of the Rust benchmarks, so that both compute the same. */
    @Setup
    public void open() {
        trainer = Trainer.open(Path.of(bundle));
        batch = trainer.newBatch(rows);
        for (int row = 0; row < rows; row++) {
            batch.add(row, this::fill);
        }
    }

    private void fill(int index, Row row) {
        for (Column column : trainer.schema().columns()) {
            float[] values = new float[column.elements()];
            for (int i = 0; i < values.length; i++) {
                int at = index * values.length + i;
                values[i] = column.role() == Column.Role.LABEL
                        ? index * 31 % classes()
                        : (at * 7919L + 13) % 1000 / 1000f - 0.5f;
            }
            row.set(column.fields().get(0), values);
        }
    }

    /** Numbers in a row. */
    int features() {
        return trainer.schema().columns().stream()
                .filter(column -> column.role() == Column.Role.FEATURE)
                .mapToInt(Column::elements)
                .sum();
    }

    /** Values that a label can have. */
    int classes() {
        return trainer.schema().columns().stream()
                .filter(column -> column.role() == Column.Role.LABEL)
                .mapToInt(column -> 1 + column.highest().orElseThrow().intValue())
                .findFirst()
                .orElseThrow();
    }

    /** Closes it. */
    @TearDown
    public void close() {
        trainer.close();
    }

    /**
     * One step, its report read into the heap.
     *
     * @param rust has a turn before each iteration
     */
    @Benchmark
    public Report step(RustTurns rust) {
        return trainer.step(batch);
    }

    /**
     * One prediction, read into the heap.
     *
     * @param rust has a turn before each iteration
     */
    @Benchmark
    public Predictions predict(RustTurns rust) {
        return trainer.predict(batch);
    }
}
