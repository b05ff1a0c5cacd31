package dev.streamgrad.examples.flights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The job of the flights, once undisturbed and then with failures and ends of TaskManagers at random flights, with
 * checkpoints aligned and unaligned: what was learned and what was committed must be equal, bit for bit, and every flight
 * scored exactly once.
 *
 * <p>{@code Failover events.csv folder failures kills bundle...}; exits with 1 and says what differs.
 */
public final class Failover {
    private static final int TASK_MANAGERS = 1;
    private static final int SEED = 2013;
    private static final Duration CHECKPOINTS = Duration.ofMillis(100);

    private final Path events;
    private final Path folder;
    private final List<Path> bundles;

    private Failover(Path events, Path folder, List<Path> bundles) {
        this.events = events;
        this.folder = folder;
        this.bundles = bundles;
    }

    /** What a run leaves behind. */
    private static final class Left {
        /** By file: the parameters and the counters of each model. */
        final Map<String, byte[]> learned = new TreeMap<>();
        final List<String> scored;

        Left(Path folder) throws IOException {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.filter(Files::isRegularFile).collect(Collectors.toList())) {
                    learned.put(file.getFileName().toString(), Files.readAllBytes(file));
                }
            }
            scored = new ArrayList<>();
            try (Stream<Path> files = Files.walk(folder.resolve("scored"))) {
                for (Path file : files.filter(Files::isRegularFile).collect(Collectors.toList())) {
                    // Names with a dot in front are not committed.
                    if (!file.getFileName().toString().startsWith(".")) {
                        scored.addAll(Files.readAllLines(file));
                    }
                }
            }
            scored.sort(null);
        }

        void check(Left other, String run) {
            require(learned.keySet().equals(other.learned.keySet()), run + ": left " + other.learned.keySet());
            learned.forEach((file, bytes) ->
                    require(Arrays.equals(bytes, other.learned.get(file)), run + ": " + file + " differs"));
            require(scored.size() == other.scored.size(), run + ": " + other.scored.size() + " scored, not " + scored.size());
            require(scored.equals(other.scored), run + ": committed predictions differ");
        }
    }

    /**
     * Runs it.
     *
     * @param arguments see above
     * @throws Exception what went wrong
     */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 5) {
            System.err.println("usage: Failover events.csv folder failures kills bundle...");
            System.exit(2);
        }
        Failover job = new Failover(
                Path.of(arguments[0]).toAbsolutePath(),
                Path.of(arguments[1]).toAbsolutePath(),
                FailoverJob.bundles(arguments, 4));
        int failures = Integer.parseInt(arguments[2]);
        int kills = Integer.parseInt(arguments[3]);
        int flights = job.flights();
        Left calm = job.run("calm", false, 0, 0, flights);
        require(calm.scored.size() == flights, "calm: " + calm.scored.size() + " of " + flights + " flights scored");
        Set<String> distinct = new HashSet<>();
        calm.scored.forEach(line -> distinct.add(line.substring(0, line.indexOf(','))));
        require(distinct.size() == flights, "calm: a flight was scored twice");
        calm.check(job.run("aligned", false, failures, kills, flights), "aligned");
        calm.check(job.run("unaligned", true, failures, kills, flights), "unaligned");
        System.out.println("failover: " + flights + " flights; each with " + failures + " failures and " + kills
                + " TaskManagers terminated, aligned and unaligned: equal bits");
        System.exit(0);
    }

    /** How many departures there are. */
    private int flights() throws IOException {
        try (Stream<String> lines = Files.lines(events)) {
            return (int) lines.skip(1).filter(line -> !line.endsWith(",")).count();
        }
    }

    @SuppressWarnings("try") // closing may be interrupted
    private Left run(String name, boolean unaligned, int failures, int kills, int flights) throws Exception {
        Path results = folder.resolve(name);
        Random random = new Random(SEED);
        // Before the learner and behind it, in turns.
        plan(Sabotage.FAILURES, random, failures, flights);
        plan(Sabotage.KILLS, random, kills, flights);

        Configuration configuration = new Configuration();
        configuration.set(PipelineOptions.OBJECT_REUSE, true);
        configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, CHECKPOINTS);
        configuration.set(CheckpointingOptions.ENABLE_UNALIGNED, unaligned);
        configuration.set(
                CheckpointingOptions.CHECKPOINTS_DIRECTORY,
                results.resolve("checkpoints").toUri().toString());
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, Integer.MAX_VALUE);
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(50));
        configuration.set(RestOptions.BIND_PORT, "0");

        try (MiniCluster cluster = new MiniCluster(new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(TASK_MANAGERS)
                .setNumSlotsPerTaskManager(1)
                .build())) {
            cluster.start();
            Thread killer = new Thread(() -> terminate(cluster), "terminates TaskManagers");
            killer.setDaemon(true);
            killer.start();
            var address = cluster.getRestAddress().get();
            var env = StreamExecutionEnvironment.createRemoteEnvironment(
                    address.getHost(), address.getPort(), configuration);
            env.setParallelism(1);
            FailoverJob.build(env, events, results, bundles);
            env.execute("flights, " + name);
            killer.interrupt();
        }
        require(Sabotage.FAILURES.isEmpty(), name + ": did not fail at " + Sabotage.FAILURES);
        require(Sabotage.KILLS.isEmpty(), name + ": no TaskManager ended at " + Sabotage.KILLS);
        return new Left(results);
    }

    private static void plan(Set<String> places, Random random, int count, int flights) {
        while (places.size() < count) {
            places.add((places.size() % 2 == 0 ? "before " : "behind ") + random.nextInt(flights));
        }
    }

    private static void terminate(MiniCluster cluster) {
        int taskManager = 0;
        try {
            while (true) {
                Sabotage.WANTED.take();
                cluster.terminateTaskManager(taskManager++).get();
                cluster.startTaskManager();
            }
        } catch (InterruptedException e) {
            // The job has ended.
        } catch (Exception e) {
            e.printStackTrace();
            System.exit(1);
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            System.err.println("failover: " + otherwise);
            System.exit(1);
        }
    }
}
