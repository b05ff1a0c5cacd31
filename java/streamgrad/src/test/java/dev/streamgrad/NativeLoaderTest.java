package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How the two libraries are found, ours and TensorFlow, each case in a JVM of its own. */
class NativeLoaderTest {
    private static final Path MLP = Recording.folder().resolve("mlp-sgd");
    private static final Path LIBRARY = Child.classes(Trainer.class).resolve(NativeLoader.RESOURCE);

    @TempDir
    Path folder;

    private static void learned(Child child) {
        assertTrue(child.last().startsWith("learned 10 steps"), child.output);
        assertEquals(0, child.exit);
    }

    private static void refused(Child child, String exception, String... texts) {
        assertTrue(child.last().startsWith(exception + ": "), child.output);
        for (String text : texts) {
            assertTrue(child.last().contains(text), child.output);
        }
        assertEquals(0, child.exit);
    }

    @ParameterizedTest
    @CsvSource({"Mac OS X, aarch64", "Windows 11, amd64", "Linux, aarch64"})
    void anotherPlatformIsRefused(String os, String arch) {
        StreamgradException e =
                assertThrows(StreamgradException.class, () -> NativeLoader.requirePlatform(os, arch));
        assertEquals(Status.UNSUPPORTED, e.status());
        assertTrue(e.getMessage().endsWith("not on " + os + " on " + arch), e.getMessage());
    }

    @Test
    void oursIsNot() {
        NativeLoader.requirePlatform("Linux", "amd64");
    }

    @Test
    void theClassPathHasTheLibraryAndNothingStaysBehind() throws Exception {
        learned(Child.run(List.of("-Djava.io.tmpdir=" + folder), Map.of(), MLP));
        try (Stream<Path> left = Files.list(folder)) {
            List<Path> ours = left.filter(file -> file.toString().contains("libstreamgrad")).collect(Collectors.toList());
            assertEquals(List.of(), ours);
        }
    }

    @Test
    void aGivenPathIsTheOnlyOneTried() throws Exception {
        Path nowhere = folder.resolve("libstreamgrad.so");
        String property = "-Dstreamgrad.library=" + nowhere;
        refused(Child.run(List.of(property), Map.of(), MLP), "StreamgradException 500", nowhere.toString());
        refused(Child.run(List.of(), Map.of(), "library=" + nowhere, MLP), "StreamgradException 500", nowhere.toString());

        Files.writeString(nowhere, "not a library ".repeat(100));
        refused(Child.run(List.of(property), Map.of(), MLP), "StreamgradException 500", nowhere.toString(), "invalid ELF header");

        Files.copy(LIBRARY, nowhere, StandardCopyOption.REPLACE_EXISTING);
        learned(Child.run(List.of(property), Map.of(), MLP));
        learned(Child.run(List.of(), Map.of(), "library=" + nowhere, MLP));
        // The builder's wish comes before the property's.
        learned(Child.run(List.of("-Dstreamgrad.library=/nowhere"), Map.of(), "library=" + nowhere, MLP));
    }

    @Test
    void aSecondLibraryInOneClassLoaderIsRefused() throws Exception {
        refused(
                Child.run(List.of(), Map.of(), MLP, "library=" + LIBRARY, MLP),
                "InvalidInputException 100",
                "class path",
                LIBRARY.toString());
        learned(Child.run(List.of(), Map.of(), "library=" + LIBRARY, MLP, MLP));
    }

    @Test
    void theLibraryPathComesBeforeTheClassPath() throws Exception {
        Path inPath = folder.resolve("libstreamgrad.so");
        Files.copy(LIBRARY, inPath);
        List<String> options = List.of("-Djava.library.path=/nowhere:" + folder);
        learned(Child.run(options, Map.of(), MLP));
        Files.writeString(inPath, "not a library");
        refused(Child.run(options, Map.of(), MLP), "StreamgradException 500", inPath.toString());
    }

    @Test
    void aTemporaryFolderThatCannotBeUsedIsPassedOver() throws Exception {
        learned(Child.run(List.of("-Djava.io.tmpdir=" + folder.resolve("nowhere")), Map.of(), MLP));
    }

    @Test
    void aTemporaryFolderWithoutExecutionIsPassedOverOrNamed() throws Exception {
        String mount = "mount -t tmpfs -o noexec none \"$0\" && exec \"$@\"";
        List<String> starter = List.of("unshare", "--map-root-user", "--mount", "sh", "-c", mount, folder.toString());
        assumeTrue(works(starter), "this user may not mount anything, even for himself");
        List<String> everywhere =
                List.of("-Djava.io.tmpdir=" + folder, "-Duser.home=" + folder, "-Duser.dir=" + folder);
        refused(
                Child.run(starter, everywhere, Map.of("XDG_RUNTIME_DIR", folder.toString()), MLP),
                "StreamgradException 500",
                "-Djava.io.tmpdir=",
                folder + " (mounted noexec)");
        learned(Child.run(starter, everywhere.subList(0, 1), Map.of(), MLP));
    }

    private static boolean works(List<String> starter) throws Exception {
        List<String> command = new ArrayList<>(starter);
        command.add("true");
        return new ProcessBuilder(command).start().waitFor() == 0;
    }

    @Test
    void aJvmOfAnotherPlatformIsRefused() throws Exception {
        refused(Child.run(List.of("-Dos.arch=aarch64"), Map.of(), MLP), "StreamgradException 900", "not on Linux on aarch64");
    }

    @Test
    void everyPlaceWhereNoTensorflowWasIsListed() throws Exception {
        Map<String, String> bare = new HashMap<>();
        bare.put("STREAMGRAD_TENSORFLOW", null);
        bare.put("VIRTUAL_ENV", null);
        bare.put("PATH", folder.toString());
        refused(
                Child.run(List.of(), bare, MLP),
                "TensorFlowException 300",
                "STREAMGRAD_TENSORFLOW",
                "org.tensorflow:tensorflow-core-native on the class path",
                "python3",
                "pip install");
        refused(
                Child.run(List.of(), Map.of(), "tensorflow=" + folder, MLP),
                "TensorFlowException 300",
                folder.toString());
    }

    @Test
    void tensorflowIsFoundBesideTheLibraryAndOnTheClassPath() throws Exception {
        Map<String, String> bare = new HashMap<>();
        bare.put("STREAMGRAD_TENSORFLOW", null);
        bare.put("VIRTUAL_ENV", null);
        bare.put("PATH", folder.toString());
        Path beside = Files.createDirectory(folder.resolve("beside"));
        Files.copy(LIBRARY, beside.resolve("libstreamgrad.so"));
        Path classPath = folder.resolve("classes");
        Path artifact = Files.createDirectories(classPath.resolve(TensorFlowArtifact.FOLDER));
        List<Path> links = new ArrayList<>();
        for (String file : TensorFlowArtifact.FILES) {
            Path real = tensorflow().resolve(file);
            links.add(Files.createSymbolicLink(beside.resolve(file), real));
            links.add(Files.createSymbolicLink(artifact.resolve(file), real));
        }
        learned(Child.run(List.of("-Dstreamgrad.library=" + beside.resolve("libstreamgrad.so")), bare, MLP));
        learned(Child.run(List.of(Child.CLASS_PATH + classPath), bare, MLP));
        Child predicts = Child.run(List.of(Child.CLASS_PATH + classPath), bare, "predict=" + MLP);
        assertTrue(predicts.last().startsWith("predicted " + Recording.ROWS + " rows by "), predicts.output);
        // What was named and is not there is an error all the same.
        bare.put("STREAMGRAD_TENSORFLOW", folder.resolve("nowhere").toString());
        refused(Child.run(List.of(Child.CLASS_PATH + classPath), bare, MLP), "TensorFlowException 300", "nowhere");
        for (Path link : links) {
            Files.delete(link); // JUnit would warn of each
        }
    }

    /** The folder of the TensorFlow that this very process has loaded. */
    private static Path tensorflow() throws Exception {
        Trainer.open(Recording.of("mlp-sgd").bundle).close();
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            if (line.endsWith("/libtensorflow_framework.so.2")) {
                return Path.of(line.substring(line.indexOf('/'))).getParent();
            }
        }
        throw new IllegalStateException("no TensorFlow is mapped");
    }

    @Test
    void anotherTensorflowThanTheOneInTheProcessIsRefused() throws Exception {
        Path other = folder.resolve("libtensorflow_cc.so.2");
        Files.writeString(other, "another one");
        Child child = Child.run(List.of(), Map.of(), MLP, "tensorflow=" + other, MLP);
        refused(child, "TensorFlowException 301", other.toString(), "site-packages/tensorflow/libtensorflow_cc.so.2");
    }

    @Test
    void aSecondWishForThreadsWarns() throws Exception {
        Child child = Child.run(List.of(), Map.of(), MLP, "threads=2", MLP);
        learned(child);
        assertTrue(child.output.contains("was sized by the first trainer of this process with 1"), child.output);
    }

    @Test
    void jniFindsNothingToComplainOf() throws Exception {
        Path strings = Recording.folder().resolve("wide_deep-adagrad");
        Child child = Child.run(List.of("-Xcheck:jni"), Map.of(), MLP, "misuse", strings, "misuse", MLP);
        learned(child);
        for (String sign : new String[] {"WARNING", "FATAL ERROR"}) {
            assertFalse(child.output.contains(sign), child.output);
        }
    }
}
