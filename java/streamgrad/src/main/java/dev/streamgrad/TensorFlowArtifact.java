package dev.streamgrad;

import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLConnection;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipException;

/**
 * The TensorFlow that Maven brings: the artifact {@code org.tensorflow:tensorflow-core-native} on the class path.
 *
 * <p>Its libraries are unpacked once per user into {@code $XDG_CACHE_HOME/streamgrad} (else
 * {@code ~/.cache/streamgrad}), for all processes and class loaders: into a folder named after the checksums of its
 * content, which gets that name when it is complete. A folder on the class path is used as it is. Safe for use by several
 * threads; stateless.
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
        if (!folder.isAbsolute()) {
            throw new StreamgradException(
                    Status.IO,
                    "unpack TensorFlow: this user has no home, set XDG_CACHE_HOME to an absolute path, or name a library with"
                            + " STREAMGRAD_TENSORFLOW; found " + folder);
        }
        return folder.resolve("streamgrad");
    }

    /** The folder with the libraries, unpacked below {@code cache} if it was not before. */
    static Path unpack(URL library, Path cache) {
        try {
            if (library.getProtocol().equals("file")) {
                return Path.of(library.toURI()).getParent();
            }
            URLConnection connection = library.openConnection();
            if (!(connection instanceof JarURLConnection)) {
                throw new IOException("it is neither in a jar nor in a folder");
            }
            // A cached jar would stay open after its class loader.
            connection.setUseCaches(false);
            try (JarFile jar = ((JarURLConnection) connection).getJarFile()) {
                return unpack(jar, entries(jar, ((JarURLConnection) connection).getEntryName()), cache);
            }
        } catch (IOException | URISyntaxException e) {
            throw new StreamgradException(
                    Status.IO,
                    "unpack TensorFlow: make room for it (700 MB), set XDG_CACHE_HOME to another folder, or name a library with"
                            + " STREAMGRAD_TENSORFLOW; cannot unpack " + library + " below " + cache + ": " + e,
                    e);
        }
    }

    private static List<JarEntry> entries(JarFile jar, String library) throws IOException {
        List<JarEntry> entries = new ArrayList<>();
        for (String file : FILES) {
            String name = library.substring(0, library.lastIndexOf('/') + 1) + file;
            JarEntry entry = jar.getJarEntry(name);
            if (entry == null) {
                throw new FileNotFoundException("the jar lacks " + name);
            }
            entries.add(entry);
        }
        return entries;
    }

    private static Path unpack(JarFile jar, List<JarEntry> entries, Path cache) throws IOException {
        // The jar's own checksums, since reading all of it would cost seconds at each start.
        String content = entries.stream().map(e -> String.format("%08x", e.getCrc())).collect(Collectors.joining("-"));
        Path folder = cache.resolve("tensorflow-" + content);
        if (isComplete(folder, entries)) {
            return folder;
        }
        Files.createDirectories(cache);
        // A file lock is a process's, so its class loaders need another; they share no object but interned strings.
        synchronized (("streamgrad unpacks " + folder).intern()) {
            try (FileChannel file = FileChannel.open(
                            beside(folder, ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock lock = file.lock()) {
                if (lock.isValid() && !isComplete(folder, entries)) {
                    unpackInto(folder, jar, entries);
                }
            }
        }
        return folder;
    }

    private static boolean isComplete(Path folder, List<JarEntry> entries) throws IOException {
        for (JarEntry entry : entries) {
            Path file = folder.resolve(fileOf(entry));
            if (!Files.isRegularFile(file) || Files.size(file) != entry.getSize()) {
                return false;
            }
        }
        return true;
    }

    /** Called by the holder of the lock: what is unfinished was left by a process that died. */
    private static void unpackInto(Path folder, JarFile jar, List<JarEntry> entries) throws IOException {
        System.getLogger("dev.streamgrad")
                .log(System.Logger.Level.INFO, "unpacking TensorFlow from {0} into {1} (once)", jar.getName(), folder);
        Path unfinished = beside(folder, ".unfinished");
        delete(unfinished);
        delete(folder);
        Files.createDirectory(
                unfinished, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        try {
            for (JarEntry entry : entries) {
                copy(jar, entry, unfinished.resolve(fileOf(entry)));
            }
            Files.move(unfinished, folder, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            delete(unfinished);
            throw e;
        }
    }

    private static void copy(JarFile jar, JarEntry entry, Path file) throws IOException {
        try (CheckedInputStream in = new CheckedInputStream(jar.getInputStream(entry), new CRC32());
                FileOutputStream out = new FileOutputStream(file.toFile())) {
            in.transferTo(out);
            if (in.getChecksum().getValue() != entry.getCrc()) {
                throw new ZipException("the jar is damaged: " + entry.getName() + " has another checksum");
            }
            // The folder's name promises whole files, also after a power cut.
            out.getFD().sync();
        }
    }

    private static String fileOf(JarEntry entry) {
        return entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
    }

    private static Path beside(Path folder, String ending) {
        return folder.resolveSibling(folder.getFileName() + ending);
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
