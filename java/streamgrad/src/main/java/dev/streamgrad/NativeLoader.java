package dev.streamgrad;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Finds {@code libstreamgrad.so} and loads it once per class loader.
 *
 * <p>A path that was given is the only one tried. Else {@code java.library.path}, then the class path. Wherever it was
 * found, it is loaded as a copy under a fresh name, because a JVM refuses one file in two class loaders; the copy is
 * unlinked at once, so nothing stays behind. Safe for use by several threads.
 */
final class NativeLoader {
    static final String PROPERTY = "streamgrad.library";
    static final String FILE = "libstreamgrad.so";
    static final String RESOURCE = "native/linux-x86_64/" + FILE;

    private static final FileAttribute<?> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    /** Where the library that is loaded came from; null until then. */
    private static String loadedFrom;
    /** The folder of the file that it was copied from; null if that was not a file. */
    private static Path folder;

    private NativeLoader() {}

    /** The folder that the loaded library was found in; null if it came from the class path. */
    static synchronized Path folder() {
        return folder;
    }

    /** Loads the library if this class loader has not; {@code given} may be null. */
    static synchronized void load(Path given) {
        if (given == null && loadedFrom != null) {
            return;
        }
        if (given == null && System.getProperty(PROPERTY) != null) {
            given = Path.of(System.getProperty(PROPERTY)).toAbsolutePath();
        }
        if (loadedFrom != null) {
            if (!loadedFrom.equals(given.toString())) {
                throw new InvalidInputException("load library: " + loadedFrom
                        + " is loaded already, and a class loader holds one; start a new JVM to use " + given);
            }
            return;
        }
        requirePlatform(System.getProperty("os.name"), System.getProperty("os.arch"));
        loadedFrom = given != null ? loadFile(given) : search();
    }

    static void requirePlatform(String os, String arch) {
        if (!os.equals("Linux") || !(arch.equals("amd64") || arch.equals("x86_64"))) {
            throw new StreamgradException(
                    Status.UNSUPPORTED,
                    "load library: streamgrad runs on linux on x86-64 with glibc only, not on " + os + " on " + arch);
        }
    }

    private static String search() {
        for (String folder : System.getProperty("java.library.path", "").split(File.pathSeparator)) {
            Path file = Path.of(folder.isEmpty() ? "." : folder, FILE).toAbsolutePath();
            if (Files.isRegularFile(file)) {
                return loadFile(file);
            }
        }
        ClassLoader loader = NativeLoader.class.getClassLoader();
        if (loader.getResource(RESOURCE) == null) {
            throw new StreamgradException(
                    Status.IO,
                    "load library: it is neither in java.library.path nor on the class path as " + RESOURCE
                            + "; add the artifact dev.streamgrad:streamgrad with the classifier linux-x86_64, or give its path with -D"
                            + PROPERTY + "=<path of " + FILE + ">");
        }
        loadCopy(() -> loader.getResourceAsStream(RESOURCE), "class path " + RESOURCE);
        return "class path " + RESOURCE;
    }

    private static String loadFile(Path file) {
        loadCopy(() -> Files.newInputStream(file), file.toString());
        folder = file.getParent();
        return file.toString();
    }

    private interface Library {
        InputStream open() throws IOException;
    }

    /** Copies to the first place that lets a library be loaded: a temporary folder may forbid it (noexec). */
    private static void loadCopy(Library library, String source) {
        List<String> tried = new ArrayList<>();
        Throwable last = null;
        for (Path place : places()) {
            Path copy = null;
            // Streamed: the library may be larger than the heap.
            try (InputStream in = read(library, source)) {
                copy = Files.createTempFile(place, "libstreamgrad-", ".so", OWNER_ONLY);
                try (OutputStream out = Files.newOutputStream(copy)) {
                    in.transferTo(out);
                }
                System.load(copy.toString());
                requireAbi(source);
                return;
            } catch (IOException e) {
                last = e;
                tried.add(place + " (" + e + ")");
            } catch (UnsatisfiedLinkError e) {
                if (!isNoexec(e)) {
                    throw new StreamgradException(Status.IO, "load library: cannot load " + source + ": " + e.getMessage(), e);
                }
                last = e;
                tried.add(place + " (mounted noexec)");
            } catch (IncompatibleClassChangeError e) {
                throw otherBuild(source, e);
            } finally {
                unlink(copy);
            }
        }
        throw new StreamgradException(
                Status.IO,
                "load library: no folder let a copy of " + source + " be loaded, start java with"
                        + " -Djava.io.tmpdir=<a folder that is writable and not mounted noexec>; tried " + tried,
                last);
    }

    private static InputStream read(Library library, String source) {
        try {
            return library.open();
        } catch (IOException e) {
            throw new StreamgradException(Status.IO, "load library: cannot read it, check its path: " + source, e);
        }
    }

    /** glibc's words for a file that may not be mapped as code. */
    private static boolean isNoexec(UnsatisfiedLinkError error) {
        return error.getMessage().contains("failed to map segment") || error.getMessage().contains("Operation not permitted");
    }

    private static Set<Path> places() {
        Set<Path> places = new LinkedHashSet<>();
        addPlace(places, System.getProperty("java.io.tmpdir"));
        addPlace(places, System.getenv("XDG_RUNTIME_DIR"));
        addPlace(places, System.getProperty("user.home") + "/.cache");
        addPlace(places, System.getProperty("user.home"));
        addPlace(places, System.getProperty("user.dir"));
        return places;
    }

    private static void addPlace(Set<Path> places, String folder) {
        if (folder != null && Files.isDirectory(Path.of(folder))) {
            places.add(Path.of(folder).toAbsolutePath());
        }
    }

    private static void requireAbi(String source) {
        if (Native.abi() != Native.ABI) {
            throw otherBuild(source, null);
        }
    }

    private static StreamgradException otherBuild(String source, Throwable cause) {
        return new StreamgradException(
                Status.UNSUPPORTED,
                "load library: this jar needs the library of its own build, with boundary version " + Native.ABI
                        + "; another one is in " + source,
                cause);
    }

    private static void unlink(Path copy) {
        if (copy != null) {
            try {
                Files.deleteIfExists(copy);
            } catch (IOException e) {
                copy.toFile().deleteOnExit();
            }
        }
    }
}
