package dev.streamgrad.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/** Runs the benchmarks on given bundles, in turns with Rust, and writes JMH's JSON. */
public final class Main {
    private static final String USAGE = "usage: java -jar benchmarks.jar OUT.json RUST BUNDLE... [-- JMH OPTIONS]";

    private Main() {}

    /**
     * Runs them.
     *
     * @param arguments the file to write, the program of {@code benches/turns.rs}, the bundles, and after {@code --} options for JMH
     * @throws RunnerException if a benchmark fails
     * @throws CommandLineOptionException if an option is not one of JMH's
     */
    public static void main(String[] arguments) throws RunnerException, CommandLineOptionException {
        List<String> all = Arrays.asList(arguments);
        int end = all.contains("--") ? all.indexOf("--") : all.size();
        if (end < 3) {
            System.err.println(USAGE);
            System.exit(2);
        }
        String[] bundles = all.subList(2, end).toArray(new String[0]);
        for (String bundle : bundles) {
            if (!Files.isDirectory(Path.of(bundle))) {
                System.err.println("this is no bundle, export it with benches/bundles.py: " + bundle);
                System.exit(2);
            }
        }
        String[] options = all.subList(Math.min(end + 1, all.size()), all.size()).toArray(new String[0]);
        new Runner(new OptionsBuilder()
                        .parent(new CommandLineOptions(options))
                        .include(StepBenchmark.class.getSimpleName())
                        .param("bundle", bundles)
                        .jvmArgsAppend("-D" + RustTurns.PROGRAM + "=" + all.get(1))
                        .shouldFailOnError(true)
                        .resultFormat(ResultFormatType.JSON)
                        .result(all.get(0))
                        .build())
                .run();
    }
}
