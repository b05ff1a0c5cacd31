package dev.streamgrad.examples.flights;

import java.time.Instant;
import java.time.Month;
import java.time.ZoneId;

/** How well a model predicted the flights so far: in all, and by the month of their scheduled departure. Used by one thread. */
final class Scoreboard {
    private static final ZoneId NEW_YORK = ZoneId.of("America/New_York");

    private final int model;
    private final BaseRate baseRate = new BaseRate();
    private final Tally all = new Tally();
    private final Tally atLanding = new Tally();
    private final Tally[] months = new Tally[12];
    private int neverLanded;

    /** Of a model, by its place among the job's. */
    Scoreboard(int model) {
        this.model = model;
        for (int i = 0; i < months.length; i++) {
            months[i] = new Tally();
        }
    }

    /** Takes in an outcome; those that landed in the order of their landings. */
    void add(Outcome outcome) {
        if (outcome.late == null) {
            neverLanded++;
            return;
        }
        boolean late = outcome.late == 1;
        // What this flight was up against: the base rate of its departure, which knows earlier landings only.
        double rate = baseRate.at(outcome.departure);
        baseRate.add(outcome.landing, late);
        all.add(outcome.atDeparture[model], late, rate);
        month(month(outcome.departure)).add(outcome.atDeparture[model], late, rate);
        atLanding.add(outcome.atLanding[model], late, rate);
    }

    /** The month of a minute on the clocks of New York. */
    static Month month(int minute) {
        return Instant.ofEpochSecond(minute * 60L).atZone(NEW_YORK).getMonth();
    }

    /** Flights whose story is over. */
    int flights() {
        return all.size() + neverLanded;
    }

    /** The predictions made at departure. */
    Tally all() {
        return all;
    }

    /** The predictions made at departure in a month. */
    Tally month(Month month) {
        return months[month.ordinal()];
    }

    /** What the trainer itself would report: the predictions of the moment before a landing is learned. */
    Tally atLanding() {
        return atLanding;
    }
}
