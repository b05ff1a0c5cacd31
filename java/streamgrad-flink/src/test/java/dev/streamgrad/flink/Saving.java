package dev.streamgrad.flink;

import dev.streamgrad.Batch;
import dev.streamgrad.FolderStore;
import dev.streamgrad.Predictor;
import dev.streamgrad.Row;
import dev.streamgrad.Trainer;
import dev.streamgrad.VersionId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A trainer of flights that saves into a folder, as another process would, while a job predicts. */
final class Saving implements AutoCloseable {
    final Path folder;
    final Trainer trainer;
    private final Batch batch;
    private long next;

    Saving(Path folder, int keepLast) {
        this.folder = folder;
        FolderStore store = FolderStore.at(folder).every(Duration.ZERO).onClose(false).keepLast(keepLast);
        this.trainer = Trainer.builder(Path.of(Bundles.flights())).store(store).open();
        this.batch = trainer.newBatch(32);
    }

    Saving(Path folder) {
        this(folder, 1_000);
    }

    /** Learns 32 flights, and saves. */
    VersionId save() {
        batch.clear();
        for (int i = 0; i < 32; i++) {
            batch.add(Flight.landed(next++), (flight, row) -> set(flight, row).set("late", flight.late));
        }
        trainer.step(batch);
        return trainer.save();
    }

    static Row set(Flight flight, Row row) {
        return row.set("hour", flight.hour)
                .set("distance", flight.distance)
                .set("seats", flight.seats)
                .set("wind", flight.wind);
    }

    /** Puts a version into the folder that is newer than all others, and not whole; its name. */
    VersionId forge() throws IOException {
        VersionId good = trainer.storeStatus().saved().orElseThrow();
        VersionId forged = VersionId.of(good.lineage(), good.number() + 1_000);
        Path elsewhere = folder.resolveSibling("forged");
        copy(snapshot(good), elsewhere);
        flip(elsewhere);
        Files.move(elsewhere, snapshot(forged));
        return forged;
    }

    /** Takes a version out of the folder. */
    void remove(VersionId version) throws IOException {
        Path away = folder.resolveSibling("removed");
        Files.move(snapshot(version), away);
    }

    private Path snapshot(VersionId version) {
        return folder.resolve("snapshots").resolve(version.toString());
    }

    /** Turns a bit of a version's parameters. */
    void flip(VersionId version) throws IOException {
        flip(snapshot(version));
    }

    private static void flip(Path snapshot) throws IOException {
        Path file = snapshot.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 5] ^= 4;
        Files.write(file, bytes);
    }

    static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        List<Path> files;
        try (Stream<Path> listed = Files.list(from)) {
            files = listed.collect(Collectors.toList());
        }
        for (Path file : files) {
            Files.copy(file, to.resolve(file.getFileName()));
        }
    }

    /** What a version of this folder says of a flight, read by nobody but the core. */
    float prediction(VersionId version, Flight flight) {
        try (Predictor predictor = Predictor.builder(Path.of(Bundles.flights()))
                .follow(folder)
                .every(Duration.ZERO)
                .open()) {
            predictor.pin(version);
            return prediction(predictor, flight);
        }
    }

    static float prediction(Predictor predictor, Flight flight) {
        Batch one = predictor.newBatch(1);
        one.add(flight, Saving::set);
        return predictor.predict(one).value(0);
    }

    @Override
    public void close() {
        trainer.close();
    }
}
