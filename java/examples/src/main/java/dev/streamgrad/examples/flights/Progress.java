package dev.streamgrad.examples.flights;

import java.text.DecimalFormat;
import java.time.Month;
import java.time.format.TextStyle;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Tells how far the job is and how well it predicts, in a line for each month; on a terminal a bar runs first and the
 * lines come at the end. Used by one thread.
 */
final class Progress implements AutoCloseable {
    private static final long EVERY_NANOS = 250_000_000;
    private static final String HEADER = "\n"
            + "                         in the month                  so far\n"
            + "                         AUC  logloss  base rate       AUC  logloss  base rate    flights/s\n";

    private final Scoreboard scores;
    /** Null where nobody watches. */
    private final ProgressBar bar;
    private boolean closed;
    /** What is said when the bar is gone. */
    private final List<String> lines = new ArrayList<>();

    private long shown = System.nanoTime();
    /** Of the last line: when, and how many flights there were. */
    private long saidMillis;
    private int saidFlights;
    private Month month = Month.JANUARY;

    Progress(Scoreboard scores, int flights, long startMillis) {
        this.scores = scores;
        this.saidMillis = startMillis;
        this.bar = System.console() == null ? null : new ProgressBarBuilder()
                .setTaskName("flights")
                .setInitialMax(flights)
                .setStyle(ProgressBarStyle.UNICODE_BLOCK)
                .setUpdateIntervalMillis(200)
                .showSpeed(new DecimalFormat("#,##0"))
                .hideEta()
                .build();
        say(HEADER);
    }

    /** Called for each outcome, after the scoreboard took it in. */
    void show(Outcome outcome) {
        if (bar != null) {
            bar.step();
        }
        if (outcome.late == null) {
            return;
        }
        Month now = Scoreboard.month(outcome.landing);
        // What lands in January of the next year still left in December.
        if (now.compareTo(month) > 0) {
            say(line());
            month = now;
        }
        // An exact AUC sorts, so it is computed a few times a second only.
        if (bar != null && System.nanoTime() - shown > EVERY_NANOS) {
            shown = System.nanoTime();
            Tally all = scores.all();
            Tally current = scores.month(month);
            bar.setExtraMessage(String.format(
                    Locale.ROOT,
                    " AUC %.3f, logloss %.3f (base %.3f); %.3s %.3f, %.3f (%.3f)",
                    all.auc(),
                    all.logloss(),
                    all.baseRateLogloss(),
                    name(month),
                    current.auc(),
                    current.logloss(),
                    current.baseRateLogloss()));
        }
    }

    /** The last line; nothing is shown any more. */
    void finish() {
        say(line());
        close();
        lines.forEach(System.out::print);
    }

    /** Leaves the terminal to others. */
    @Override
    public void close() {
        if (bar != null && !closed) {
            bar.close();
        }
        closed = true;
    }

    private void say(String text) {
        if (bar == null) {
            System.out.print(text);
            System.out.flush();
        } else {
            lines.add(text);
        }
    }

    private String line() {
        Tally of = scores.month(month);
        Tally all = scores.all();
        long now = System.currentTimeMillis();
        double rate = (scores.flights() - saidFlights) * 1e3 / Math.max(now - saidMillis, 1);
        saidMillis = now;
        saidFlights = scores.flights();
        return String.format(
                Locale.ROOT,
                "%-9s %,7d flights  %.3f    %.3f      %.3f     %.3f    %.3f      %.3f      %,7.0f%n",
                name(month),
                of.size(),
                of.auc(),
                of.logloss(),
                of.baseRateLogloss(),
                all.auc(),
                all.logloss(),
                all.baseRateLogloss(),
                rate);
    }

    private static String name(Month month) {
        return month.getDisplayName(TextStyle.FULL, Locale.ENGLISH);
    }
}
