package dev.streamgrad.flink;

import java.util.Objects;

/** The record of these tests: a POJO with the fields of the bundles. */
public final class Flight {
    public long id;
    public double hour;
    public float distance;
    public int seats;
    public Double wind;
    /** Null: not landed yet. */
    public Integer late;

    public Flight() {}

    Flight(long id, Integer late) {
        this.id = id;
        this.hour = id % 24 / 24.0;
        this.distance = id % 7 / 7f;
        this.seats = (int) (id % 3);
        this.wind = (id % 11) / 11.0;
        this.late = late;
    }

    /** A landed flight whose lateness follows from its fields. */
    static Flight landed(long id) {
        return new Flight(id, id % 24 + id % 7 > 14 ? 1 : 0);
    }

    static Flight departing(long id) {
        return new Flight(id, null);
    }

    /** What the regression learns; it has no label where there is none. */
    public Double getMinutes() {
        return late == null ? null : late * 10.0;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Flight && id == ((Flight) other).id && Objects.equals(late, ((Flight) other).late);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(id);
    }

    @Override
    public String toString() {
        return "flight " + id;
    }
}
