package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorFlowArtifactTest {
    @TempDir
    Path folder;

    /** A jar laid out as the artifact is; the content stands for libraries, which here are only copied. */
    private URL jar(String name, List<String> files, String content) throws IOException {
        Path jar = folder.resolve(name);
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (String file : files) {
                out.putNextEntry(new JarEntry(TensorFlowArtifact.FOLDER + file));
                out.write((file + content).getBytes());
            }
        }
        return new URL("jar:" + jar.toUri() + "!/" + TensorFlowArtifact.FOLDER + TensorFlowArtifact.FILES.get(1));
    }

    private List<String> cached(Path cache) throws IOException {
        try (Stream<Path> entries = Files.list(cache)) {
            return entries.map(entry -> entry.getFileName().toString()).sorted().collect(Collectors.toList());
        }
    }

    @Test
    void librariesAreUnpackedOnce() throws IOException {
        Path cache = folder.resolve("cache");
        URL library = jar("one.jar", TensorFlowArtifact.FILES, " of one release");
        Path unpacked = TensorFlowArtifact.unpack(library, cache);
        for (String file : TensorFlowArtifact.FILES) {
            assertEquals(file + " of one release", Files.readString(unpacked.resolve(file)));
        }
        Files.writeString(unpacked.resolve(TensorFlowArtifact.FILES.get(0)), "touched");
        assertEquals(unpacked, TensorFlowArtifact.unpack(library, cache));
        assertEquals("touched", Files.readString(unpacked.resolve(TensorFlowArtifact.FILES.get(0))));

        Path other = TensorFlowArtifact.unpack(jar("two.jar", TensorFlowArtifact.FILES, " of another"), cache);
        assertNotEquals(unpacked, other);
        assertEquals(2, cached(cache).size());
    }

    @Test
    void whatFailsLeavesNothingBehind() throws IOException {
        Path cache = folder.resolve("cache");
        URL half = jar("half.jar", TensorFlowArtifact.FILES.subList(1, 2), "");
        StreamgradException e =
                assertThrows(StreamgradException.class, () -> TensorFlowArtifact.unpack(half, cache));
        assertEquals(Status.IO, e.status());
        assertTrue(e.getMessage().contains(cache.toString()), e.getMessage());
        assertEquals(List.of(), cached(cache));
    }
}
