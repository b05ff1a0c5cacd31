package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Each way in which a bundle reaches a TaskManager; the class path is with {@link ClassLoaderTest}, which has a jar. */
final class BundleSourceTest {
    @RegisterExtension
    static final MiniClusterExtension CLUSTER = Cluster.start();

    private static int scored(StreamExecutionEnvironment env, BundleSource bundle) throws Exception {
        return Cluster.collect(Streamgrad.learn(Cluster.flights(env, 40), bundle).withBatch().apply()).size();
    }

    private static List<Path> copies() throws IOException {
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return files.filter(file -> file.getFileName().toString().startsWith("streamgrad-bundle-"))
                    .collect(Collectors.toList());
        }
    }

    @Test
    void textNamesTheKindOfPlace() {
        assertEquals(BundleSource.path("flights.bundle"), BundleSource.of("flights.bundle"));
        assertEquals(BundleSource.path("/models/flights.bundle"), BundleSource.of("/models/flights.bundle"));
        assertEquals(BundleSource.path("odd:name.bundle"), BundleSource.of("odd:name.bundle"));
        assertEquals(BundleSource.resource("models/flights.bundle"), BundleSource.of("classpath:models/flights.bundle"));
        assertEquals(BundleSource.cached("flights"), BundleSource.of("cached:flights"));
        assertEquals(BundleSource.ship("flights.bundle"), BundleSource.of("ship:flights.bundle"));
        assertEquals(BundleSource.uri(URI.create("hdfs://host/a")), BundleSource.of("hdfs://host/a"));
        assertEquals(BundleSource.uri(URI.create("file:/models/a")), BundleSource.of("file:/models/a"));
        assertThrows(IllegalArgumentException.class, () -> BundleSource.of(""));
        assertThrows(IllegalArgumentException.class, () -> BundleSource.of("classpath:"));
    }

    @Test
    void aPathIsOpenedWhereItIs() throws Exception {
        assertEquals(40, scored(Cluster.environment(), BundleSource.of(Bundles.flights())));
    }

    @Test
    void aFolderIsShippedWithTheJob() throws Exception {
        assertEquals(40, scored(Cluster.environment(), BundleSource.of("ship:" + Bundles.flights())));
    }

    @Test
    void aRegisteredFileIsFoundByItsName() throws Exception {
        StreamExecutionEnvironment env = Cluster.environment();
        env.registerCachedFile(Path.of(Bundles.flights()).toUri().toString(), "flights");
        assertEquals(40, scored(env, BundleSource.of("cached:flights")));
    }

    @Test
    void aFolderOfAFileSystemIsCopiedAndTheCopyIsDeleted() throws Exception {
        List<Path> before = copies();
        assertEquals(40, scored(Cluster.environment(), BundleSource.uri(Path.of(Bundles.flights()).toUri())));
        assertEquals(before, copies());
    }

    @Test
    void whatIsNotThereIsNamed() throws Exception {
        List<Path> before = copies();
        for (String text : List.of("file:///nowhere/flights.bundle", "classpath:nowhere", "cached:nowhere")) {
            Exception failure =
                    assertThrows(Exception.class, () -> scored(Cluster.environment(), BundleSource.of(text)), text);
            assertTrue(ExceptionUtils.findThrowableWithMessage(failure, "nowhere").isPresent(), text);
        }
        String message = assertThrows(
                        IllegalArgumentException.class,
                        () -> scored(Cluster.environment(), BundleSource.of("ship:/nowhere")))
                .getMessage();
        assertTrue(message.contains("/nowhere/bundle.json"), message);
        assertEquals(before, copies());
    }

    @Test
    void oneFolderIsShippedOnce() {
        StreamExecutionEnvironment env = Cluster.environment();
        BundleSource first = BundleSource.ship(Bundles.flights()).register(env);
        assertEquals(first, BundleSource.ship(Bundles.flights()).register(env));
        assertEquals(1, env.getCachedFiles().size());
        assertFalse(first.equals(BundleSource.ship(Bundles.delays()).register(env)));
    }
}
