package dev.streamgrad.flink;

import dev.streamgrad.Batch;
import dev.streamgrad.InvalidInputException;
import dev.streamgrad.NonFiniteException;
import dev.streamgrad.OutlierException;
import dev.streamgrad.PausedException;
import dev.streamgrad.Predictions;
import dev.streamgrad.Report;
import dev.streamgrad.Row;
import dev.streamgrad.StoppedException;
import dev.streamgrad.StreamgradException;
import dev.streamgrad.Trainer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.apache.flink.api.common.typeutils.TypeSerializer;

/**
 * The unfinished batch: rows that wait to leave with their prediction, and rows that wait to be learned.
 *
 * <p>Only the number of labelled rows cuts a batch, so its boundaries are the same in every run. {@link #emit} lets
 * every waiting row leave early and changes no parameter: all rows of a batch are predicted by the same version anyway.
 * Used by the task's thread only.
 */
final class MiniBatch<T> {
    /** Where the results go. */
    interface Results<T> {
        void scored(PendingRow<T> row, Scored<T> scored);

        void refused(PendingRow<T> row, String reason);

        void learned(Report report);

        /** Its batch was refused: it is predicted, and not learned. */
        void quarantined(PendingRow<T> row, String reason);

        /** So many labelled rows are predicted, and not learned, for the trainer learns nothing now. */
        void skipped(int rows, String reason);
    }

    private final Trainer trainer;
    private final Encoder<? super T> encoder;
    private final BiConsumer<T, Row> encode;
    private final Results<T> results;
    private final Scores<T> scores;
    private final int maxWaitingRows;
    /** Copies a labelled row's record that leaves early, for the one behind may change it; null if nobody can. */
    private final TypeSerializer<T> copier;

    private final Batch labelled;
    /** Whether a batch has to know when its latest row happened. */
    private final boolean timed;
    /** Made when the first row without label comes: most streams have none. */
    private Batch unlabelled;
    /** The rows of {@link #labelled}; the first {@code left} of them have left. */
    private final List<PendingRow<T>> unlearned = new ArrayList<>();

    private int left;
    /** The rows that have not left, in the order of arrival, with and without label. */
    private final List<PendingRow<T>> waiting = new ArrayList<>();

    MiniBatch(
            Trainer trainer,
            Encoder<? super T> encoder,
            Results<T> results,
            int batchRows,
            int maxWaitingRows,
            TypeSerializer<T> copier) {
        this.trainer = trainer;
        this.encoder = encoder;
        this.encode = encoder::encode;
        this.results = results;
        this.scores = Scores.learning(trainer.schema());
        this.maxWaitingRows = maxWaitingRows;
        this.copier = copier;
        this.labelled = trainer.newBatch(batchRows);
        this.timed = trainer.schema().needsEventTime();
    }

    /** Takes a row in, unless its record cannot be encoded: then it is refused, and counts for nothing. */
    void add(PendingRow<T> row) {
        try {
            row.labelled = encoder.isLabelled(row.record) && addLabelled(row);
            if (!row.labelled) {
                addUnlabelled(row);
            }
        } catch (StreamgradException e) {
            if (!(e instanceof InvalidInputException)) {
                throw e; // the trainer's trouble, not the record's
            }
            results.refused(row, e.getMessage());
            return;
        } catch (RuntimeException e) {
            results.refused(row, "encode record: " + e);
            return;
        }
        if (row.labelled) {
            unlearned.add(row);
            left += row.left ? 1 : 0;
        }
        if (!row.left) {
            waiting.add(row);
        }
    }

    /** Returns whether the row did carry its label. */
    private boolean addLabelled(PendingRow<T> row) {
        labelled.add(row.record, encode);
        if (labelled.unlabelledRows() > 0) {
            labelled.removeLast();
            return false;
        }
        if (timed) {
            if (row.timestamp < 0) {
                labelled.removeLast();
                throw new InvalidInputException("learn record: rows of the model's embedding tables expire by event time, give the"
                        + " stream a WatermarkStrategy with withTimestampAssigner, in milliseconds since 1970: the timestamp is "
                        + (row.timestamp == PendingRow.NO_TIMESTAMP ? "missing" : row.timestamp));
            }
            labelled.eventTime(Math.max(row.timestamp, labelled.eventTime().orElse(0)));
        }
        row.row = labelled.rows() - 1;
        return true;
    }

    private void addUnlabelled(PendingRow<T> row) {
        if (row.left) {
            throw new IllegalArgumentException("it lost its label since it was predicted");
        }
        if (unlabelled == null) {
            unlabelled = trainer.newBatch(maxWaitingRows);
        }
        unlabelled.add(row.record, encode);
        row.row = unlabelled.rows() - 1;
    }

    /** Whether it is time to {@link #learn}. */
    boolean isFull() {
        return labelled.rows() == labelled.capacity();
    }

    /** Whether it is time to {@link #emit}, whatever the mode: the memory for waiting rows is bounded. */
    boolean isCrowded() {
        return waiting.size() >= maxWaitingRows;
    }

    boolean isWaiting() {
        return !waiting.isEmpty();
    }

    boolean isEmpty() {
        return unlearned.isEmpty() && waiting.isEmpty();
    }

    /** What a checkpoint has to keep: rows that have left first, then those that wait, in the order of arrival. */
    List<PendingRow<T>> pending() {
        List<PendingRow<T>> pending = new ArrayList<>(unlearned.subList(0, left));
        pending.addAll(waiting);
        return pending;
    }

    /** Lets every waiting row leave with its prediction; learns nothing. */
    void emit() {
        if (waiting.isEmpty()) {
            return;
        }
        Predictions first = predictLabelled();
        Predictions other = predictUnlabelled();
        for (PendingRow<T> row : waiting) {
            T record = row.record;
            if (row.labelled && copier != null) {
                row.record = copier.copy(record);
            }
            row.left = true;
            results.scored(row, row.labelled ? scores.of(record, first, row.row - left) : scores.of(record, other, row.row));
        }
        waiting.clear();
        left = labelled.rows();
        clearUnlabelled();
    }

    /**
     * Lets every waiting row leave, and learns the labelled ones. A batch is learned, refused or skipped whole, and is over
     * then.
     */
    void learn() {
        Predictions other = predictUnlabelled();
        Report report = null;
        String refusal = null;
        String pause = null;
        if (labelled.rows() > 0) {
            try {
                report = trainer.step(labelled);
            } catch (NonFiniteException | OutlierException e) {
                refusal = e.getMessage();
            } catch (PausedException | StoppedException e) {
                pause = e.getMessage();
            }
        }
        Predictions first = report != null ? report.predictions() : predictLabelled();
        int before = report != null ? 0 : left;
        for (PendingRow<T> row : waiting) {
            results.scored(
                    row, row.labelled ? scores.of(row.record, first, row.row - before) : scores.of(row.record, other, row.row));
        }
        if (report != null) {
            results.learned(report);
        } else if (refusal != null) {
            for (PendingRow<T> row : unlearned) {
                results.quarantined(row, refusal);
            }
        } else if (pause != null) {
            results.skipped(unlearned.size(), pause);
        }
        waiting.clear();
        unlearned.clear();
        left = 0;
        labelled.clear();
        clearUnlabelled();
    }

    /** Those that have not left. */
    private Predictions predictLabelled() {
        return left == labelled.rows() ? null : trainer.predict(labelled, left, labelled.rows() - left);
    }

    private Predictions predictUnlabelled() {
        return unlabelled == null || unlabelled.rows() == 0 ? null : trainer.predict(unlabelled);
    }

    private void clearUnlabelled() {
        if (unlabelled != null) {
            unlabelled.clear();
        }
    }
}
