import dev.streamgrad.*;
import java.nio.file.Path;

public class Following {
    public static void main(String[] args) {
        try (Trainer trainer = Trainer.open(Path.of("flights.bundle"), Path.of("model"))) {
            Batch flight = trainer.newBatch(1);
            flight.add(row -> row.set("hour", 0.1).set("distance", 0.2).set("seats", 0.3).set("wind", 0.4).set("late", 1));
            trainer.step(flight);
        }
        /* README */
    }
}
