package dev.streamgrad.flink;

import dev.streamgrad.Schema;
import java.io.Serializable;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** What the builder of a learner collects; travels with the job. */
final class LearnOptions<T> implements Serializable {
    private static final long serialVersionUID = 1L;

    ModelSpec model;
    /** Null: by the names of the record's fields. */
    Encoder<? super T> encoder;
    /** Where the record has the fields, without an encoder. */
    Fields fields = Fields.named();

    int batchRows = 32;
    /** Zero: eight times the batch. */
    int maxWaitingRows;
    /** Milliseconds; negative: rows leave with their batch. */
    long maxDelay = 5;
    /** Milliseconds; negative: only the number of rows cuts a batch. */
    long learnAfter = -1;
    /** What to do once the input has ended; null: nothing. */
    TrainerAction atEnd;
    /** Whether each subtask may have parameters of its own. */
    boolean own;
    /** Whether a checkpoint names a snapshot in the model's folder instead of holding the parameters. */
    boolean byReference;

    /** How records become rows of a model with this schema. */
    Encoder<? super T> encoder(Schema schema, TypeInformation<T> type) {
        fields.check(encoder);
        return encoder != null ? encoder : FieldEncoder.learning(schema, type, fields);
    }

    boolean leavesWithBatch() {
        return maxDelay < 0;
    }

    int waitingBound() {
        return maxWaitingRows > 0 ? maxWaitingRows : Math.multiplyExact(8, batchRows);
    }

    /** What holds for the builder's parallelism and for one that was set on the stream afterwards. */
    void checkParallelism(int parallelism) {
        if (parallelism > 1 && model.sharedName == null && !own) {
            throw new IllegalArgumentException("learn: more than one subtask needs shared(name), one model within each"
                    + " TaskManager, or own(), one model for each subtask: parallelism " + parallelism);
        }
        if (parallelism > 1 && own && model.folder != null) {
            throw new IllegalArgumentException("learn: a folder holds one model, and with own() each subtask has its own;"
                    + " leave out folder() or own(): parallelism " + parallelism);
        }
    }
}
