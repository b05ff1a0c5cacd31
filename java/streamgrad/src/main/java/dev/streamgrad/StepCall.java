package dev.streamgrad;

import java.nio.ByteBuffer;
import java.util.concurrent.locks.Lock;

/** The native methods that learn, and what is around them. Stateless. */
final class StepCall {
    private StepCall() {}

    /** Predicts and learns the rows of a batch; a position that is not {@code null} is noted with them. */
    static Report step(Handle handle, Schema schema, Batch batch, byte[] position) {
        batch.check(schema, 0, batch.rows());
        if (!batch.schema().equals(schema)) {
            throw new InvalidInputException("step: the batch has the columns but was made for another model, or by a predictor;"
                    + " make it with newBatch of this trainer");
        }
        if (batch.firstUnlabelled() >= 0) {
            throw new InvalidInputException(
                    "step: a row without label can be predicted only, not learned: row " + batch.firstUnlabelled());
        }
        Call call = batch.call();
        Lock shared = handle.begin();
        try {
            batch.lend();
            try {
                Call.check(run(handle.value(), batch, call, position), call.error());
                return call.report(batch.rows());
            } finally {
                batch.giveBack();
            }
        } finally {
            shared.unlock();
        }
    }

    private static long run(long handle, Batch batch, Call call, byte[] position) {
        ByteBuffer noted = position == null ? null : call.position(position);
        int notedBytes = position == null ? 0 : position.length;
        if (batch.imported() != null) {
            return Native.trainerStepImported(
                    handle,
                    batch.imported().handle(),
                    batch.eventTimeOrNone(),
                    noted,
                    notedBytes,
                    call.results(),
                    call.error());
        }
        return Native.trainerStep(
                handle,
                batch.slab(),
                batch.capacity(),
                batch.rows(),
                batch.heap().bytes(),
                batch.heap().size(),
                batch.eventTimeOrNone(),
                noted,
                notedBytes,
                call.results(),
                call.error());
    }
}
