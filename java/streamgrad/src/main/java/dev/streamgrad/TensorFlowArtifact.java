package dev.streamgrad;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;

/**
 * The TensorFlow that Maven brings: the artifact {@code org.tensorflow:tensorflow-core-native} on the class path.
 *
 * <p>Its libraries are unpacked once per user into {@code ~/.cache/streamgrad} (or {@code $XDG_CACHE_HOME/streamgrad}),
 * into a folder that gets its name when it is complete; a folder on the class path is used as it is. Stateless.
 */
final class TensorFlowArtifact {
    static final String NAME = "org.tensorflow:tensorflow-core-native";
    static final String FOLDER = "org/tensorflow/internal/c_api/linux-x86_64/";
    /** The library with the C API last: it needs the other beside it. */
    static final List<String> FILES = List.of("libtensorflow_framework.so.2", "libtensorflow_cc.so.2");

    private TensorFlowArtifact() {}

    /** The library with the C API on the class path of this class or of the running thread; null if there is none. */
    static URL find() {
        String library = FOLDER + FILES.get(FILES.size() - 1);
        URL found = TensorFlowArtifact.class.getClassLoader().getResource(library);
        ClassLoader context = Thread.currentThread().getContextClassLoader();
        return found != null || context == null ? found : context.getResource(library);
    }

    /** Where artifacts are unpacked. */
    static Path cache() {
        String given = System.getenv("XDG_CACHE_HOME");
        Path folder = given != null && !given.isEmpty() ? Path.of(given) : Path.of(System.getProperty("user.home"), ".cache");
        return folder.resolve("streamgrad");
    }

    /** The folder with the libraries, unpacked below {@code cache} if it was not before. */
    static Path unpack(URL library, Path cache) {
        try {
            if (library.getProtocol().equals("file")) {
                return Path.of(library.toURI()).getParent();
            }
            Path folder = cache.resolve("tensorflow-" + identity(library));
            if (!Files.isDirectory(folder)) {
                Files.createDirectories(cache);
                unpackInto(library, folder);
            }
            return folder;
        } catch (IOException | URISyntaxException e) {
            throw new StreamgradException(
                    Status.IO,
                    "unpack TensorFlow: make room for it, or name a library with STREAMGRAD_TENSORFLOW; cannot unpack "
                            + library + " below " + cache + ": " + e,
                    e);
        }
    }

    private static void unpackInto(URL library, Path folder) throws IOException {
        Path unfinished = Files.createTempDirectory(folder.getParent(), folder.getFileName() + "-");
        try {
            for (String file : FILES) {
                String name = library.toString();
                URL url = new URL(name.substring(0, name.lastIndexOf('/') + 1) + file);
                try (InputStream in = url.openStream()) {
                    Files.copy(in, unfinished.resolve(file));
                }
            }
            Files.move(unfinished, folder, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            delete(unfinished);
            // Another process may have been faster: then its folder is complete.
            if (!Files.isDirectory(folder)) {
                throw e;
            }
        }
    }

    /** What tells one release's library from another's without reading it. */
    private static String identity(URL library) throws IOException {
        URLConnection connection = library.openConnection();
        if (connection instanceof JarURLConnection) {
            JarURLConnection jar = (JarURLConnection) connection;
            return Long.toHexString(jar.getJarEntry().getCrc()) + "-" + jar.getJarEntry().getSize();
        }
        return "size-" + connection.getContentLengthLong();
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
