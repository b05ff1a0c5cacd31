package dev.streamgrad;

import java.nio.ByteBuffer;
import java.util.concurrent.locks.Lock;

/** The native methods that predict for a trainer, or those for a predictor; around them, what both have in common. */
final class PredictCall {
    /** As {@link Native#trainerPredict} has it. */
    @FunctionalInterface
    interface OfSlab {
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
    }

    /** As {@link Native#trainerPredictImported} has it. */
    @FunctionalInterface
    interface OfImported {
        long run(long handle, long imported, int first, int rows, ByteBuffer results, ByteBuffer error);
    }

    private final OfSlab ofSlab;
    private final OfImported ofImported;

    PredictCall(OfSlab ofSlab, OfImported ofImported) {
        this.ofSlab = ofSlab;
        this.ofImported = ofImported;
    }

    /** Predicts rows {@code fromRow..fromRow + rows} of a batch. */
    Predictions predict(Handle handle, Schema schema, Batch batch, int fromRow, int rows) {
        batch.check(schema, fromRow, rows);
        Call call = batch.call();
        Lock shared = handle.begin();
        try {
            batch.lend();
            try {
                do {
                    Call.check(run(handle.value(), batch, fromRow, rows, call), call.error());
                } while (call.again(rows));
                return call.predictions(rows);
            } finally {
                batch.giveBack();
            }
        } finally {
            shared.unlock();
        }
    }

    private long run(long handle, Batch batch, int fromRow, int rows, Call call) {
        if (batch.imported() != null) {
            long imported = batch.imported().handle();
            return ofImported.run(handle, imported, fromRow, rows, call.predictionsBuffer(), call.error());
        }
        return ofSlab.run(
                handle,
                batch.slab(),
                batch.capacity(),
                fromRow,
                rows,
                batch.heap().bytes(),
                batch.heap().size(),
                call.predictionsBuffer(),
                call.error());
    }
}
