package dev.streamgrad;

import java.nio.ByteBuffer;
import java.util.concurrent.locks.Lock;

/** The native method that predicts for a trainer, or the one for a predictor; around it, what both have in common. */
@FunctionalInterface
interface PredictCall {
    /** As {@link Native#trainerPredict} has it. */
    long run(
            long handle,
            ByteBuffer slab,
            int capacity,
            int first,
            int rows,
            ByteBuffer heap,
            int heapBytes,
            ByteBuffer results,
            ByteBuffer error);

    /** Predicts rows {@code fromRow..fromRow + rows} of a batch. */
    default Predictions predict(Handle handle, Schema schema, Batch batch, int fromRow, int rows) {
        batch.check(schema, fromRow, rows);
        Call call = batch.call();
        Lock shared = handle.begin();
        try {
            batch.lend();
            try {
                do {
                    Call.check(
                            run(
                                    handle.value(),
                                    batch.slab(),
                                    batch.capacity(),
                                    fromRow,
                                    rows,
                                    batch.heap().bytes(),
                                    batch.heap().size(),
                                    call.predictionsBuffer(),
                                    call.error()),
                            call.error());
                } while (call.again(rows));
                return call.predictions(rows);
            } finally {
                batch.giveBack();
            }
        } finally {
            shared.unlock();
        }
    }
}
