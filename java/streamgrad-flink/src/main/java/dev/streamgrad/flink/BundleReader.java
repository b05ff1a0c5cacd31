package dev.streamgrad.flink;

import dev.streamgrad.Schema;
import dev.streamgrad.StreamgradException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads, on the machine that builds a job, what a bundle says of its records. Used by one thread.
 */
final class BundleReader {
    private static final Logger LOG = LoggerFactory.getLogger(BundleReader.class);
    private static final String MANIFEST = "bundle.json";

    private final BundleSource source;
    /** Null: no file is registered. */
    private final StreamExecutionEnvironment env;
    /** From a local folder. */
    private final Function<Path, Schema> read;

    BundleReader(BundleSource source, StreamExecutionEnvironment env, Function<Path, Schema> read) {
        this.source = source;
        this.env = env;
        this.read = read;
    }

    /**
     * The schema, wherever the bundle is.
     *
     * @throws IllegalArgumentException if this machine cannot read it
     */
    Schema schema() {
        try {
            return read();
        } catch (IOException | StreamgradException e) {
            throw new IllegalArgumentException("read bundle: the types come from it, give the machine that builds the job a source"
                    + " that it can read, such as ship:FOLDER: " + source + ": " + e.getMessage(), e);
        }
    }

    /** Refuses what does not fit while the job is built, if the bundle is in a folder of this machine; else the job's start does. */
    void checkHere(Consumer<Schema> check) {
        Schema schema;
        try {
            Path folder = folder();
            if (folder == null || !Files.exists(folder)) {
                return;
            }
            schema = read.apply(folder);
        } catch (StreamgradException e) {
            LOG.info("the record's fields are checked when the job starts: {}", e.getMessage());
            return;
        }
        check.accept(schema);
    }

    private Schema read() throws IOException {
        Path folder = folder();
        if (folder != null) {
            return read.apply(folder);
        }
        Path copy = Files.createTempDirectory("streamgrad-manifest-");
        Path manifest = copy.resolve(MANIFEST);
        try (InputStream in = open()) {
            Files.copy(in, manifest);
            return read.apply(copy);
        } finally {
            Files.deleteIfExists(manifest);
            Files.delete(copy);
        }
    }

    /** The bundle as a folder of this machine, or null. */
    private Path folder() {
        switch (source.kind()) {
            case PATH:
            case SHIP:
                return Path.of(source.place());
            case CACHED:
                URI uri = registered();
                return uri.getScheme() == null || uri.getScheme().equals("file") ? Path.of(uri.getPath()) : null;
            default:
                return null;
        }
    }

    /** Its manifest. */
    private InputStream open() throws IOException {
        if (source.kind() == BundleSource.Kind.CLASS_PATH) {
            String name = source.place() + "/" + MANIFEST;
            InputStream in = Thread.currentThread().getContextClassLoader().getResourceAsStream(name);
            if (in == null) {
                throw new IOException("the class path has no " + name);
            }
            return in;
        }
        String folder = source.kind() == BundleSource.Kind.CACHED ? registered().toString() : source.place();
        org.apache.flink.core.fs.Path manifest = new org.apache.flink.core.fs.Path(folder, MANIFEST);
        FileSystem files = manifest.getFileSystem();
        return files.open(manifest);
    }

    private URI registered() {
        if (env != null) {
            for (var file : env.getCachedFiles()) {
                if (file.f0.equals(source.place())) {
                    return new org.apache.flink.core.fs.Path(file.f1.filePath).toUri();
                }
            }
        }
        throw new IllegalArgumentException(
                "read bundle: register it before, with env.registerCachedFile(folder, name), there is no file " + source.place());
    }
}
