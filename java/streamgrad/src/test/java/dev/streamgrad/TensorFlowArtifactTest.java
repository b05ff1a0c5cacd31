package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How libraries are unpacked; {@link TensorFlowMavenTest} does so with the real ones. */
class TensorFlowArtifactTest {
    @TempDir
    Path folder;

    private Path cache;

    @BeforeEach
    void setUp() {
        cache = folder.resolve("cache");
    }

    /** A jar laid out as the artifact is; the content stands for libraries, which here are only copied. */
    private URL jar(String name, List<String> files, String content) throws IOException {
        Path jar = folder.resolve(name);
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            out.setMethod(JarOutputStream.STORED);
            for (String file : files) {
                byte[] bytes = (file + content).getBytes(StandardCharsets.UTF_8);
                CRC32 crc = new CRC32();
                crc.update(bytes);
                JarEntry entry = new JarEntry(TensorFlowArtifact.FOLDER + file);
                entry.setSize(bytes.length);
                entry.setCrc(crc.getValue());
                out.putNextEntry(entry);
                out.write(bytes);
            }
        }
        return new URL("jar:" + jar.toUri() + "!/" + TensorFlowArtifact.FOLDER + TensorFlowArtifact.FILES.get(1));
    }

    /** The folders in the cache. */
    private List<Path> cached() throws IOException {
        try (Stream<Path> entries = Files.list(cache)) {
            return entries.filter(Files::isDirectory).collect(Collectors.toList());
        }
    }

    private static void assertHas(Path unpacked, String content) throws IOException {
        for (String file : TensorFlowArtifact.FILES) {
            assertEquals(file + content, Files.readString(unpacked.resolve(file)));
        }
    }

    private String refused(URL library) throws IOException {
        StreamgradException e =
                assertThrows(StreamgradException.class, () -> TensorFlowArtifact.unpack(library, cache));
        assertEquals(Status.IO, e.status());
        assertTrue(e.getMessage().contains(cache.toString()), e.getMessage());
        assertEquals(List.of(), cached());
        return e.getMessage();
    }

    @Test
    void librariesAreUnpackedOnce() throws IOException {
        URL library = jar("one.jar", TensorFlowArtifact.FILES, " of one release");
        Path unpacked = TensorFlowArtifact.unpack(library, cache);
        assertHas(unpacked, " of one release");
        Object file = Files.getAttribute(unpacked.resolve(TensorFlowArtifact.FILES.get(0)), "unix:ino");
        assertEquals(unpacked, TensorFlowArtifact.unpack(library, cache));
        assertEquals(unpacked, TensorFlowArtifact.unpack(jar("copy.jar", TensorFlowArtifact.FILES, " of one release"), cache));
        assertEquals(file, Files.getAttribute(unpacked.resolve(TensorFlowArtifact.FILES.get(0)), "unix:ino"));

        Path other = TensorFlowArtifact.unpack(jar("two.jar", TensorFlowArtifact.FILES, " of another"), cache);
        assertNotEquals(unpacked, other);
        assertHas(other, " of another");
        assertEquals(Set.of(unpacked, other), new HashSet<>(cached()));
    }

    @Test
    void whatAProcessLeftUnfinishedIsUnpackedAgain() throws IOException {
        URL library = jar("one.jar", TensorFlowArtifact.FILES, " of one release");
        Path unpacked = TensorFlowArtifact.unpack(library, cache);
        Files.writeString(unpacked.resolve(TensorFlowArtifact.FILES.get(1)), "half");
        Path unfinished = Files.createDirectory(cache.resolve(unpacked.getFileName() + ".unfinished"));
        Files.writeString(unfinished.resolve(TensorFlowArtifact.FILES.get(0)), "half");
        assertEquals(unpacked, TensorFlowArtifact.unpack(library, cache));
        assertHas(unpacked, " of one release");
        assertEquals(List.of(unpacked), cached());
    }

    @Test
    void manyClassLoadersAtOnceUnpackOnce() throws Exception {
        String content = " of one release".repeat(1 << 18);
        URL library = jar("one.jar", TensorFlowArtifact.FILES, content);
        ExecutorService threads = Executors.newFixedThreadPool(8);
        List<URLClassLoader> loaders = new ArrayList<>();
        List<Future<Object>> unpacked = new ArrayList<>();
        for (int job = 0; job < 8; job++) {
            URL[] classes = {Child.classes(Trainer.class).toUri().toURL()};
            URLClassLoader loader = new URLClassLoader(classes, ClassLoader.getPlatformClassLoader());
            loaders.add(loader);
            Method unpack = loader.loadClass(TensorFlowArtifact.class.getName()).getDeclaredMethod("unpack", URL.class, Path.class);
            unpack.setAccessible(true);
            unpacked.add(threads.submit(() -> {
                Object result = unpack.invoke(null, library, cache);
                return List.of(result, Files.getAttribute(((Path) result).resolve(TensorFlowArtifact.FILES.get(1)), "unix:ino"));
            }));
        }
        Set<Object> results = new HashSet<>();
        for (Future<Object> result : unpacked) {
            results.add(result.get());
        }
        threads.shutdown();
        for (URLClassLoader loader : loaders) {
            loader.close();
        }
        assertEquals(1, results.size(), results.toString());
        assertEquals(1, cached().size());
        assertHas(cached().get(0), content);
    }

    @Test
    void aJarWithHalfOfItLeavesNothingBehind() throws IOException {
        URL half = jar("half.jar", TensorFlowArtifact.FILES.subList(1, 2), "");
        Files.createDirectory(cache);
        assertTrue(refused(half).contains("the jar lacks"));
    }

    @Test
    void aDamagedJarLeavesNothingBehind() throws IOException {
        URL damaged = jar("damaged.jar", TensorFlowArtifact.FILES, " of one release");
        Path jar = folder.resolve("damaged.jar");
        String bytes = Files.readString(jar, StandardCharsets.ISO_8859_1).replace("cc.so.2 of one", "cc.so.2 of two");
        Files.writeString(jar, bytes, StandardCharsets.ISO_8859_1);
        assertTrue(refused(damaged).contains("the jar is damaged"));
    }

    @Test
    void aCacheThatCannotBeWrittenIsAnError() throws IOException {
        URL library = jar("one.jar", TensorFlowArtifact.FILES, " of one release");
        Path file = Files.writeString(folder.resolve("file"), "not a folder");
        StreamgradException e = assertThrows(
                StreamgradException.class, () -> TensorFlowArtifact.unpack(library, file.resolve("streamgrad")));
        assertEquals(Status.IO, e.status());
        assertTrue(e.getMessage().contains("XDG_CACHE_HOME"), e.getMessage());
    }
}
