package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;

import dev.streamgrad.Trainer;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.ref.WeakReference;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Jobs deployed again and again into one JVM, each from a jar with a class loader of its own, leave none behind. */
final class ClassLoaderTest {
    private static final int JOBS = 10;

    @RegisterExtension
    static final MiniClusterExtension CLUSTER = Cluster.start();

    @TempDir
    Path folder;

    @Test
    void tenJobsInOneJvmLeaveNoClassLoader() throws Exception {
        Path jar = jar();
        List<WeakReference<?>> loaders = new ArrayList<>();
        for (int i = 0; i < JOBS; i++) {
            loaders.add(run(jar, "streamgrad.test.loader." + i));
        }
        for (int i = 0; i < 50 && loaders.stream().anyMatch(loader -> loader.get() != null); i++) {
            System.gc();
            Thread.sleep(100);
        }
        assertEquals(0, loaders.stream().filter(loader -> loader.get() != null).count(), "class loaders still alive");
    }

    private static WeakReference<?> run(Path jar, String probe) throws Exception {
        Configuration configuration = new Configuration();
        configuration.set(PipelineOptions.JARS, List.of(jar.toUri().toString()));
        StreamExecutionEnvironment env = Cluster.environment(configuration);
        ClusterJob.build(env, "classpath:flights.bundle", 1_000, probe);
        JobExecutionResult result = env.execute();
        assertEquals(1_000L, result.<Long>getAccumulatorResult("scored"));
        assertEquals(1_000L, result.<Long>getAccumulatorResult("learned"));
        WeakReference<?> loader = (WeakReference<?>) System.getProperties().remove(probe);
        assertNotNull(loader);
        assertNotSame(ClassLoaderTest.class.getClassLoader(), loader.get(), "the classes came from the jar");
        return loader;
    }

    /** What a user would build: our two jars, the job, and the bundle. */
    private Path jar() throws IOException, URISyntaxException {
        Path jar = folder.resolve("job.jar");
        Set<String> written = new HashSet<>();
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file)) {
            for (Class<?> part : List.of(Trainer.class, Streamgrad.class, ClusterJob.class)) {
                Path source = Path.of(part.getProtectionDomain().getCodeSource().getLocation().toURI());
                if (Files.isDirectory(source)) {
                    add(source, "", out, written);
                } else {
                    try (FileSystem files = FileSystems.newFileSystem(source, (ClassLoader) null)) {
                        add(files.getPath("/"), "", out, written);
                    }
                }
            }
            add(Path.of(Bundles.flights()), "flights.bundle/", out, written);
        }
        return jar;
    }

    private static void add(Path root, String prefix, JarOutputStream out, Set<String> written) throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(root)) {
            files = walk.filter(Files::isRegularFile).collect(Collectors.toList());
        }
        for (Path file : files) {
            String name = prefix + root.relativize(file).toString();
            if (!name.startsWith("META-INF") && written.add(name)) {
                out.putNextEntry(new JarEntry(name));
                Files.copy(file, out);
                out.closeEntry();
            }
        }
    }
}
