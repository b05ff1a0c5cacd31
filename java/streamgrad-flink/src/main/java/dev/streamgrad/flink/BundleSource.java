package dev.streamgrad.flink;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Where a TaskManager gets the bundle, or the SavedModel to predict by, from. Immutable, safe for use by several threads, serialised with the job.
 *
 * <p>As text: {@code classpath:NAME} is a resource, {@code cached:NAME} a file registered with the job, {@code ship:PATH}
 * a folder of the machine that submits the job, any other scheme ({@code hdfs://...}, {@code s3://...}, {@code file://...})
 * one of Flink's file systems, and everything else a path on the TaskManager's own machine. A JSON that describes a graph
 * is taken by path; of a class path only a bundle, which lists its files.
 */
public final class BundleSource implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final String MANIFEST = "bundle.json";
    private static final String SAVED_MODEL = "saved_model.pb";

    /** Where it is. */
    enum Kind {
        PATH,
        CACHED,
        SHIP,
        FILE_SYSTEM,
        CLASS_PATH
    }

    /** What {@link #place} names. */
    private final Kind kind;

    /** A path, a name or a URI. */
    private final String place;

    private BundleSource(Kind kind, String place) {
        this.kind = kind;
        this.place = Objects.requireNonNull(place, "bundle");
        if (place.isEmpty()) {
            throw new IllegalArgumentException("name bundle: give the folder that streamgrad.export wrote, not nothing");
        }
    }

    /**
     * The source that a text stands for.
     *
     * @param text as the class says
     * @return the source
     */
    public static BundleSource of(String text) {
        int colon = Objects.requireNonNull(text, "bundle").indexOf(':');
        String scheme = colon < 0 ? "" : text.substring(0, colon);
        String rest = text.substring(colon + 1);
        switch (scheme) {
            case "classpath":
                return resource(rest);
            case "cached":
                return cached(rest);
            case "ship":
                return ship(rest);
            default:
                return scheme.matches("[a-zA-Z][a-zA-Z0-9+.-]*") && rest.startsWith("/") ? uri(URI.create(text)) : path(text);
        }
    }

    /**
     * A folder on every TaskManager's own machine.
     *
     * @param folder its path
     * @return the source
     */
    public static BundleSource path(String folder) {
        return new BundleSource(Kind.PATH, folder);
    }

    /**
     * A folder registered with {@code env.registerCachedFile(uri, name)}.
     *
     * @param name as registered
     * @return the source
     */
    public static BundleSource cached(String name) {
        return new BundleSource(Kind.CACHED, name);
    }

    /**
     * A folder of the machine that submits the job, which ships it to the TaskManagers.
     *
     * @param folder its path
     * @return the source
     */
    public static BundleSource ship(String folder) {
        return new BundleSource(Kind.SHIP, folder);
    }

    /**
     * A folder in one of Flink's file systems, copied by each TaskManager when the job starts.
     *
     * @param folder such as {@code hdfs://host/flights.bundle}
     * @return the source
     */
    public static BundleSource uri(URI folder) {
        return new BundleSource(Kind.FILE_SYSTEM, Objects.requireNonNull(folder, "bundle").toString());
    }

    /**
     * A folder on the job's class path, in its jar for instance.
     *
     * @param name without a leading slash
     * @return the source
     */
    public static BundleSource resource(String name) {
        return new BundleSource(Kind.CLASS_PATH, name);
    }

    Kind kind() {
        return kind;
    }

    /** A path, a name or a URI, by its kind. */
    String place() {
        return place;
    }

    /** What the environment has to know before the job is submitted: the source as it is on the TaskManagers. */
    BundleSource register(StreamExecutionEnvironment env) {
        if (kind != Kind.SHIP) {
            return this;
        }
        Path folder = Path.of(place).toAbsolutePath().normalize();
        if (!Files.isRegularFile(folder.resolve(MANIFEST)) && !Files.isRegularFile(folder.resolve(SAVED_MODEL))) {
            throw new IllegalArgumentException(
                    "ship bundle: export it on the machine that submits the job, there is no " + folder.resolve(MANIFEST));
        }
        String name = "streamgrad " + folder;
        boolean known = env.getCachedFiles().stream().anyMatch(file -> file.f0.equals(name));
        if (!known) {
            env.registerCachedFile(folder.toUri().toString(), name);
        }
        return cached(name);
    }

    /** The bundle as a local folder; a copy lives until it is closed. */
    Local fetch(RuntimeContext context) throws IOException {
        switch (kind) {
            case CACHED:
                return new Local(context.getDistributedCache().getFile(place).toPath(), false);
            case FILE_SYSTEM:
                return copy(folder -> copyFromFileSystem(new org.apache.flink.core.fs.Path(place), folder));
            case CLASS_PATH:
                return copy(folder -> copyFromClassPath(context.getUserCodeClassLoader(), folder));
            case SHIP:
                throw new IOException("fetch bundle: only learn ships a bundle by itself; for a function, call"
                        + " env.registerCachedFile(folder, name) and give it cached:name instead of " + place);
            default:
                return new Local(Path.of(place), false);
        }
    }

    private interface Copy {
        void into(Path folder) throws IOException;
    }

    private static Local copy(Copy copy) throws IOException {
        Local local = new Local(Files.createTempDirectory("streamgrad-bundle-"), true);
        boolean whole = false;
        try {
            copy.into(local.folder());
            whole = true;
            return local;
        } finally {
            if (!whole) {
                local.close();
            }
        }
    }

    private static void copyFromFileSystem(org.apache.flink.core.fs.Path from, Path to) throws IOException {
        FileSystem files = from.getFileSystem();
        if (files.exists(from) && !files.getFileStatus(from).isDir()) {
            throw new IOException("fetch bundle: name the folder, not a file in it; a JSON that describes a graph is taken by"
                    + " its path on the TaskManagers: " + from);
        }
        FileStatus[] entries = files.listStatus(from);
        if (entries == null) {
            throw new FileNotFoundException("fetch bundle: export it there, there is no folder " + from);
        }
        for (FileStatus entry : entries) {
            Path target = to.resolve(entry.getPath().getName());
            if (entry.isDir()) {
                Files.createDirectory(target);
                copyFromFileSystem(entry.getPath(), target);
            } else {
                try (InputStream in = files.open(entry.getPath())) {
                    Files.copy(in, target);
                }
            }
        }
    }

    /** A class path cannot be listed, so the manifest says which files there are. */
    private void copyFromClassPath(ClassLoader loader, Path to) throws IOException {
        Path manifest = to.resolve(MANIFEST);
        copyResource(loader, MANIFEST, manifest);
        JsonNode files = new ObjectMapper().readTree(manifest.toFile()).path("files");
        List<String> names = new ArrayList<>();
        for (Iterator<String> name = files.fieldNames(); name.hasNext(); ) {
            names.add(name.next());
        }
        for (String name : names) {
            Path target = to.resolve(name).normalize();
            if (!target.startsWith(to)) {
                throw new IOException("fetch bundle: its manifest names a file outside of it: " + name);
            }
            Files.createDirectories(target.getParent());
            copyResource(loader, name, target);
        }
    }

    private void copyResource(ClassLoader loader, String name, Path target) throws IOException {
        try (InputStream in = loader.getResourceAsStream(place + "/" + name)) {
            if (in == null) {
                throw new FileNotFoundException(
                        "fetch bundle: put it into the job's jar, the class path has no " + place + "/" + name);
            }
            Files.copy(in, target, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof BundleSource
                && kind == ((BundleSource) other).kind
                && place.equals(((BundleSource) other).place);
    }

    @Override
    public int hashCode() {
        return place.hashCode();
    }

    /** The place, for names and messages. */
    @Override
    public String toString() {
        return place;
    }

    /** A bundle in a local folder, which is deleted at the end if it is a copy. */
    static final class Local implements AutoCloseable {
        private final Path folder;
        private final boolean temporary;

        Local(Path folder, boolean temporary) {
            this.folder = folder;
            this.temporary = temporary;
        }

        Path folder() {
            return folder;
        }

        @Override
        public void close() throws IOException {
            if (!temporary) {
                return;
            }
            List<Path> files;
            try (Stream<Path> walk = Files.walk(folder)) {
                files = walk.sorted(Comparator.reverseOrder()).collect(Collectors.toList());
            }
            for (Path file : files) {
                Files.delete(file);
            }
        }
    }
}
