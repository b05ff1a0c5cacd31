package dev.streamgrad.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * Lets {@code benches/turns.rs} make the same call before each iteration of Java's: a machine whose pace changes
 * within seconds is then the same for both. JMH notes it as the secondary result {@code rustMicros}.
 */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.EVENTS)
public class RustTurns {
    /** The property that names the program. */
    static final String PROGRAM = "streamgrad.benchmarks.rust";

    private static final String MILLISECONDS = "200\n";

    private Process program;
    private Writer turns;
    private BufferedReader answers;
    private double micros;

    /**
     * Starts the program with what Java is measured with.
     *
     * @param java the batch
     * @param params the call
     * @throws IOException if it does not start
     */
    @Setup
    public void start(StepBenchmark java, BenchmarkParams params) throws IOException {
        String call = params.getBenchmark().substring(params.getBenchmark().lastIndexOf('.') + 1);
        List<String> command = List.of(
                System.getProperty(PROGRAM),
                call,
                java.bundle,
                Integer.toString(java.rows),
                Integer.toString(java.features()),
                Integer.toString(java.classes()));
        program = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        turns = new OutputStreamWriter(program.getOutputStream(), StandardCharsets.UTF_8);
        answers = new BufferedReader(new InputStreamReader(program.getInputStream(), StandardCharsets.UTF_8));
    }

    /**
     * Rust's turn.
     *
     * @throws IOException if the program has ended
     */
    @Setup(Level.Iteration)
    public void turn() throws IOException {
        turns.write(MILLISECONDS);
        turns.flush();
        String answer = answers.readLine();
        if (answer == null) {
            throw new IOException("benches/turns.rs has ended; what it says stands above");
        }
        micros = Double.parseDouble(answer);
    }

    /** The microseconds of a call in Rust's last turn. */
    public double rustMicros() {
        return micros;
    }

    /**
     * Ends the program.
     *
     * @throws IOException if it has ended by itself
     */
    @TearDown
    public void stop() throws IOException {
        turns.close();
        program.destroy();
    }
}
