package dev.streamgrad.examples.flights;

import dev.streamgrad.flink.Example;
import dev.streamgrad.flink.Scored;

/** What is left of a scored flight once a model has seen it. A POJO of Flink. */
public final class Prediction {
    /** Whose it is: the model's place among the job's. */
    public int model;
    /** The flight's place in the order of departures. */
    public int row;
    /** Its scheduled departure: minutes since 1970, UTC. */
    public int departure;
    /** The probability that it will be late. */
    public float probability;
    /** Whether it was, 1 or 0; null if this prediction was made at departure. */
    public Integer late;

    static Prediction of(int model, Scored<Example<FlightEvent>> scored) {
        FlightEvent flight = scored.record().record();
        Prediction prediction = new Prediction();
        prediction.model = model;
        prediction.row = flight.row;
        prediction.departure = flight.minute;
        prediction.probability = scored.prediction();
        if (scored.record().isLabelled()) {
            prediction.late = ((Number) scored.record().label()).intValue();
        }
        return prediction;
    }
}
