package dev.streamgrad.flink;

import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.runtime.checkpoint.CheckpointOptions;
import org.apache.flink.runtime.state.AsyncSnapshotCallable;
import org.apache.flink.runtime.state.CheckpointStateOutputStream;
import org.apache.flink.runtime.state.CheckpointStreamFactory;
import org.apache.flink.runtime.state.CheckpointedStateScope;
import org.apache.flink.runtime.state.OperatorStateHandle;
import org.apache.flink.runtime.state.OperatorStreamStateHandle;
import org.apache.flink.runtime.state.SnapshotResult;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OperatorSnapshotFutures;

/**
 * An operator that writes a stream of its own into each checkpoint: pinned on the task's thread, written in the
 * asynchronous part. After a restore every subtask gets the streams of all, whatever their number.
 *
 * <p>List state would do with Flink's annotated classes alone, but it is read back one byte at a time. What this needs
 * beyond them, the same in Flink 1.20 and 2.x, is in this class only.
 */
abstract class RawStateOperator<OUT> extends AbstractStreamOperator<OUT> {
    private static final long serialVersionUID = 1L;
    /** The one name that Flink knows of raw operator state. */
    private static final String NAME = "_default_";

    /** What goes into one checkpoint; closed whatever becomes of that, also while it is written. */
    interface Pinned extends AutoCloseable {
        void writeTo(OutputStream out) throws IOException;

        @Override
        void close();
    }

    /** What this subtask adds to a checkpoint, as of now; null for nothing. */
    abstract Pinned pin(long checkpointId, boolean savepoint) throws Exception;

    @Override
    public OperatorSnapshotFutures snapshotState(
            long checkpointId, long timestamp, CheckpointOptions options, CheckpointStreamFactory streams) throws Exception {
        OperatorSnapshotFutures futures = super.snapshotState(checkpointId, timestamp, options, streams);
        boolean whole = false;
        try {
            Pinned pinned = pin(checkpointId, options.getCheckpointType().isSavepoint());
            if (pinned != null) {
                futures.setOperatorStateRawFuture(
                        new Write(pinned, streams).toAsyncSnapshotFutureTask(getContainingTask().getCancelables()));
            }
            whole = true;
            return futures;
        } finally {
            if (!whole) {
                futures.cancel();
            }
        }
    }

    /** The asynchronous part. Flink closes its stream, and what is pinned, where it is cancelled or the task ends. */
    private static final class Write extends AsyncSnapshotCallable<SnapshotResult<OperatorStateHandle>> {
        private final Pinned pinned;
        private final CheckpointStreamFactory streams;

        Write(Pinned pinned, CheckpointStreamFactory streams) {
            this.pinned = pinned;
            this.streams = streams;
        }

        @Override
        protected SnapshotResult<OperatorStateHandle> callInternal() throws Exception {
            CheckpointStateOutputStream out = streams.createCheckpointStateOutputStream(CheckpointedStateScope.EXCLUSIVE);
            snapshotCloseableRegistry.registerCloseable(out);
            pinned.writeTo(out);
            if (!snapshotCloseableRegistry.unregisterCloseable(out)) {
                throw new IOException("write parameters: the checkpoint was cancelled");
            }
            Map<String, OperatorStateHandle.StateMetaInfo> places = new HashMap<>();
            places.put(
                    NAME, new OperatorStateHandle.StateMetaInfo(new long[] {0}, OperatorStateHandle.Mode.UNION));
            return SnapshotResult.of(new OperatorStreamStateHandle(places, out.closeAndGetHandle()));
        }

        @Override
        protected void cleanupProvidedResources() {
            pinned.close();
        }
    }
}
