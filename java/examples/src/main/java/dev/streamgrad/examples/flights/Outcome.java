package dev.streamgrad.examples.flights;

/** A flight whose story is over: it landed, or its time is up. A POJO of Flink. */
public final class Outcome {
    /** The flight's place in the order of departures. */
    public int row;
    /** Its scheduled departure: minutes since 1970, UTC. */
    public int departure;
    /** Its landing, likewise; meaningless if it never landed. */
    public int landing;
    /** Of each model: the probability that it would be late, as the model was at its scheduled departure. */
    public float[] atDeparture;
    /** The same as the model was at its landing, which knows hours that the flight was in the air: not what counts. */
    public float[] atLanding;
    /** Whether it was late, 1 or 0; null if it never landed. */
    public Integer late;
}
