package dev.streamgrad.flink;

import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/** Lets two of three checkpoints fail in their asynchronous part, which no job fails for unless it is told to. */
final class DeclineSome<T> extends RawStateOperator<T> implements OneInputStreamOperator<T, T> {
    private static final long serialVersionUID = 1L;
    private static final AtomicInteger DECLINED = new AtomicInteger();

    /** How many checkpoints failed here. */
    static int times() {
        return DECLINED.get();
    }

    @Override
    public void processElement(StreamRecord<T> element) {
        output.collect(element);
    }

    @Override
    Pinned pin(long checkpointId, boolean savepoint) {
        return new Pinned() {
            @Override
            public void writeTo(OutputStream out) throws IOException {
                out.write(1);
                if (checkpointId % 3 != 0) {
                    DECLINED.incrementAndGet();
                    throw new IOException("declined checkpoint " + checkpointId);
                }
            }

            @Override
            public void close() {}
        };
    }
}
