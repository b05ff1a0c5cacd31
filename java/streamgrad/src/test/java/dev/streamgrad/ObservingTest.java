package dev.streamgrad;

import static dev.streamgrad.Folders.await;
import static dev.streamgrad.Folders.learn;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ObservingTest {
    private final Recording mlp = Recording.of("mlp-adam");

    @TempDir
    Path temporary;

    private Trainer open(TensorBoard board) {
        return Trainer.builder(mlp.bundle).tensorboard(board).open();
    }

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().collect(Collectors.toList());
        }
    }

    @Test
    void eventFilesAreWrittenAndPrometheusIsTold() throws IOException {
        Path folder = temporary.resolve("b\u00f6ard");
        TensorBoard board = TensorBoard.at(folder)
                .every(1)
                .histogramsEvery(2)
                .flushEvery(Duration.ofDays(1))
                .fileBytes(1000)
                .files(3);
        try (Trainer trainer = open(board)) {
            assertTrue(trainer.prometheus().contains("\nstreamgrad_steps_total{model=\"mlp\"} 0\n"), trainer.prometheus());
            learn(mlp, trainer, 12);
            String text = trainer.prometheus();
            assertTrue(text.contains("\nstreamgrad_steps_total{model=\"mlp\"} 12\n"), text);
            assertTrue(text.contains("\nstreamgrad_tensorboard_failing{model=\"mlp\"} 0\n"), text);
        }
        List<String> files = files(folder);
        assertTrue(files.size() >= 2 && files.size() <= 3, files.toString());
        assertTrue(files.stream().allMatch(file -> file.startsWith("events.out.tfevents.")), files.toString());
    }

    @Test
    void aFolderThatCannotBeWrittenIsLogged() throws Exception {
        Path file = Files.createFile(temporary.resolve("file"));
        Path below = file.resolve("board");
        List<Log.Event> events = new ArrayList<>();
        try (Trainer trainer = open(TensorBoard.at(below))) {
            learn(mlp, trainer, 3);
            await("it is logged", () -> {
                events.addAll(Log.drain().events());
                return events.stream().anyMatch(event -> event.text().contains(below.toString()));
            });
            assertEquals(3, trainer.version());
            assertTrue(trainer.prometheus().contains("streamgrad_tensorboard_failing{model=\"mlp\"} 1\n"));
        }
        Log.Event event = events.stream().filter(each -> each.text().contains(below.toString())).findFirst().orElseThrow();
        assertEquals(System.Logger.Level.WARNING, event.level());
        assertTrue(event.target().startsWith("streamgrad::observe"), event.toString());
        assertTrue(Duration.between(event.time(), Instant.now()).toMinutes() < 10, event.toString());
        assertFalse(Log.drain().events().stream().anyMatch(each -> each.text().equals(event.text())));
    }

    @Test
    void optionsThatMakeNoSenseAreRefused() {
        TensorBoard board = TensorBoard.at(temporary);
        for (TensorBoard wrong : List.of(board.every(0), board.every(-1), board.files(1), board.flushEvery(Duration.ZERO))) {
            assertThrows(InvalidInputException.class, () -> open(wrong).close(), wrong.toString());
        }
        assertThrows(InvalidInputException.class, () -> TensorBoard.at(Path.of("a\nb")));
    }

    @Test
    void aClosedTrainerTellsNothing() {
        Trainer trainer = Trainer.open(mlp.bundle);
        trainer.close();
        assertThrows(ClosedException.class, trainer::prometheus);
    }
}
