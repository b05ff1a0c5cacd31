import dev.streamgrad.*;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

public class Java {
    static final class Flight {
        float hour, distance, seats, wind, late;
    }

    public static void main(String[] args) {
        List<Flight> flights = new ArrayList<>();
        for (int i = 0; i < 32; i++) {
            Flight flight = new Flight();
            flight.hour = i * 19 % 100 / 100f;
            flight.distance = i * 37 % 100 / 100f;
            flight.seats = i * 53 % 100 / 100f;
            flight.wind = i * 71 % 100 / 100f;
            flight.late = i % 3 == 0 ? 1 : 0;
            flights.add(flight);
        }
        /* README */
    }
}
