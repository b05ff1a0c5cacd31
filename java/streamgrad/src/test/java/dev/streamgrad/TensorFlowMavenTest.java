package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real artifact, TensorFlow 2.18, on the class path of machines without Python. */
@Tag("long")
class TensorFlowMavenTest {
    @TempDir
    Path folder;

    @Test
    void itLearnsAndPredictsWithoutPythonAndIsUnpackedOnce() throws Exception {
        URL found = TensorFlowArtifact.find();
        Path jar = Path.of(((JarURLConnection) found.openConnection()).getJarFileURL().toURI());
        assertEquals("tensorflow-core-native-1.1.0-linux-x86_64.jar", jar.getFileName().toString());
        Map<String, String> bare = new HashMap<>();
        bare.put("STREAMGRAD_TENSORFLOW", null);
        bare.put("VIRTUAL_ENV", null);
        bare.put("PATH", folder.toString());
        bare.put("XDG_CACHE_HOME", folder.toString());
        Path mlp = Recording.folder().resolve("mlp-sgd");
        List<String> options = List.of(Child.CLASS_PATH + jar);

        // Two hosts that start at the same moment.
        ExecutorService threads = Executors.newFixedThreadPool(2);
        List<Future<Child>> hosts = new ArrayList<>();
        for (int host = 0; host < 2; host++) {
            hosts.add(threads.submit(() -> Child.run(options, bare, mlp, "mapped")));
        }
        for (Future<Child> host : hosts) {
            Child child = host.get();
            assertTrue(child.output.contains("learned 10 steps"), child.output);
            assertEquals(mapped(), child.last().substring("mapped ".length()), child.output);
        }
        threads.shutdown();
        Path library = cached().resolve("libtensorflow_cc.so.2");
        Object file = Files.getAttribute(library, "unix:ino");

        Child later = Child.run(options, bare, "predict=" + mlp);
        assertTrue(later.last().startsWith("predicted " + Recording.ROWS + " rows by "), later.output);
        assertEquals(file, Files.getAttribute(library, "unix:ino"));
        assertEquals(library.getParent(), cached());
    }

    /** The TensorFlow in the cache, as a process says that it has loaded it. */
    private String mapped() throws Exception {
        return TensorFlowArtifact.FILES.stream().map(cached()::resolve).map(Path::toString).sorted().collect(Collectors.joining(" "));
    }

    /** The only folder in the cache. */
    private Path cached() throws Exception {
        try (Stream<Path> entries = Files.list(folder.resolve("streamgrad"))) {
            List<Path> folders = entries.filter(Files::isDirectory).collect(Collectors.toList());
            assertEquals(1, folders.size(), folders.toString());
            return folders.get(0);
        }
    }
}
