package dev.streamgrad;

import java.nio.ByteBuffer;

/**
 * The one class with native methods; Rust's {@code src/jvm/} has their bodies and registers them when it is loaded.
 *
 * <p>Every method returns a number that is not negative, or a status code negated; where it has more to tell, bytes, or {@code null} if
 * it failed. A failure's text is in {@code error} (a direct buffer: its status and its length as ints, then UTF-8). Buffers are direct, little-endian and used during the call only. Nothing here is a
 * pointer: a handle that was closed, is zero or was never given out is an error.
 */
final class Native {
    /** The version of these signatures and of all layouts; the library has to have the same. */
    static final int ABI = 8;

    private Native() {}

    /** The library's {@link #ABI}. */
    static native int abi();

    /** A handle for a bundle; {@code path} and {@code options} (lines of {@code key=value}) are UTF-8. */
    static native long trainerOpen(byte[] path, byte[] options, ByteBuffer error);

    static native long trainerClose(long handle, ByteBuffer error);

    /** The schema as {@link Schema} reads it. */
    static native byte[] trainerSchema(long handle, ByteBuffer error);

    /**
     * Learns rows {@code 0..rows} of a slab that is laid out for {@code capacity}; returns the version it made. The event time is in
     * milliseconds or {@link Batch#NO_EVENT_TIME}; a {@code position} that is not {@code null} is noted with it.
     */
    static native long trainerStep(
            long handle,
            ByteBuffer slab,
            int capacity,
            int rows,
            ByteBuffer heap,
            int heapBytes,
            long eventTime,
            ByteBuffer position,
            int positionBytes,
            ByteBuffer results,
            ByteBuffer error);

    /** Predicts rows {@code first..first + rows} of a slab; returns the number of the version that predicted. */
    static native long trainerPredict(
            long handle,
            ByteBuffer slab,
            int capacity,
            int first,
            int rows,
            ByteBuffer heap,
            int heapBytes,
            ByteBuffer results,
            ByteBuffer error);

    static native long trainerVersion(long handle, ByteBuffer error);

    /** Bytes of native memory that the trainer holds. */
    static native long trainerMemory(long handle, ByteBuffer error);

    /** Writes the metrics where a report has them, and nothing else. */
    static native long trainerMetrics(long handle, ByteBuffer results, ByteBuffer error);

    /** Copies the newest value of a parameter; returns its version. */
    static native long trainerParameter(long handle, byte[] name, ByteBuffer values, ByteBuffer error);

    /** 0, or 1 and then the host's position. */
    static native byte[] trainerPosition(long handle, ByteBuffer error);

    /** The version saved, as {@link VersionId} reads it. */
    static native byte[] trainerSave(long handle, ByteBuffer error);

    /** The version written, as {@link VersionId} reads it. */
    static native byte[] trainerToSavedModel(long handle, byte[] folder, ByteBuffer error);

    /** The version made, as {@link VersionId} reads it. */
    static native byte[] trainerRollback(long handle, long lineage, long number, ByteBuffer error);

    /** As {@link KeptVersion} reads it. */
    static native byte[] trainerKeptVersions(long handle, ByteBuffer error);

    /** As {@link StoreStatus} reads it. */
    static native byte[] trainerStoreStatus(long handle, ByteBuffer error);

    /** The schema of a bundle that is not opened; {@code options} as in {@link #trainerOpen}. */
    static native byte[] bundleSchema(byte[] bundle, byte[] options, ByteBuffer error);

    /** Prometheus' text, in UTF-8. */
    static native byte[] trainerPrometheus(long handle, ByteBuffer error);

    /** From its return on no step is under way, and none begins. */
    static native long trainerPause(long handle, ByteBuffer error);

    static native long trainerResume(long handle, ByteBuffer error);

    /** 0, or 1 and then the version saved, as {@link VersionId} reads it. */
    static native byte[] trainerStop(long handle, ByteBuffer error);

    /** The rate as {@link Float#floatToIntBits} has it. */
    static native long trainerSetLearningRate(long handle, int bits, ByteBuffer error);

    /** As {@link TrainerStatus} reads it. */
    static native byte[] trainerStatus(long handle, ByteBuffer error);

    /** 0, or 1 and then the oldest refused batch, as {@link Quarantined} reads it. */
    static native byte[] trainerDrain(long handle, ByteBuffer error);

    /**
     * Writes a version as a SavedModel; {@code options} as in {@link #trainerOpen}, and the {@code folder}, a {@code store}, a
     * {@code version}. Which one it was goes to {@code written}, as {@link VersionId} reads it.
     */
    static native long savedModelWrite(byte[] bundle, byte[] options, ByteBuffer written, ByteBuffer error);

    /** A handle for a predictor that predicts by what a trainer learns. */
    static native long predictorOf(long trainer, ByteBuffer error);

    /** A handle for a predictor of a bundle; {@code options} as in {@link #trainerOpen}. */
    static native long predictorOpen(byte[] bundle, byte[] options, ByteBuffer error);

    /** A handle for a predictor of numbered bundles. */
    static native long predictorNumbered(byte[] folder, byte[] options, ByteBuffer error);

    static native long predictorClose(long handle, ByteBuffer error);

    /** The schema as {@link Schema} reads it, without metrics and parameters. */
    static native byte[] predictorSchema(long handle, ByteBuffer error);

    /** As {@link #trainerPredict}. */
    static native long predictorPredict(
            long handle,
            ByteBuffer slab,
            int capacity,
            int first,
            int rows,
            ByteBuffer heap,
            int heapBytes,
            ByteBuffer results,
            ByteBuffer error);

    /** Bytes of native memory that the version takes which predicts. */
    static native long predictorMemory(long handle, ByteBuffer error);

    /** As {@link VersionId} reads it; so do the next ones but the first. */
    static native byte[] predictorVersion(long handle, ByteBuffer error);

    /** As {@link PredictorStatus} reads it. */
    static native byte[] predictorStatus(long handle, ByteBuffer error);

    static native byte[] predictorLook(long handle, ByteBuffer error);

    /** {@code name} is a {@link VersionId} or a number as text, in UTF-8; {@code pin} is 1 to stay there. */
    static native byte[] predictorSwitch(long handle, byte[] name, int pin, ByteBuffer error);

    static native byte[] predictorPinCurrent(long handle, ByteBuffer error);

    static native long predictorUnpin(long handle, ByteBuffer error);

    static native byte[] predictorRollback(long handle, ByteBuffer error);

    /** A handle for the newest version with all that belongs to it. */
    static native long trainerCheckpoint(long handle, ByteBuffer error);

    /** Goes on from what an arrival holds, which is empty then; the version made, as {@link VersionId} reads it. */
    static native byte[] trainerRestore(long handle, long arrival, ByteBuffer error);

    /** Saves exactly this version, which is given back as {@link VersionId} reads it. */
    static native byte[] trainerSaveCheckpoint(long handle, long checkpoint, ByteBuffer error);

    static native long trainerHold(long handle, long lineage, long number, ByteBuffer error);

    static native long trainerRelease(long handle, long lineage, long number, ByteBuffer error);

    /** The version pinned, as {@link VersionId} reads it. */
    static native byte[] checkpointVersion(long handle, ByteBuffer error);

    /** Fills the chunk with what the stream has from this place on; returns how many bytes that were, 0 at the end. */
    static native long checkpointRead(long handle, long offset, ByteBuffer chunk, ByteBuffer error);

    static native long checkpointClose(long handle, ByteBuffer error);

    /** How many checkpoints are open. */
    static native int checkpointsOpen();

    /** A handle for bytes of a checkpoint on their way back. */
    static native long arrivalOpen(ByteBuffer error);

    /** Takes in the first {@code bytes} of the chunk. */
    static native long arrivalWrite(long handle, ByteBuffer chunk, int bytes, ByteBuffer error);

    static native long arrivalClose(long handle, ByteBuffer error);

    /**
     * A handle for the record batch that two structures of Arrow's C data interface describe, for columns as {@link Schema} has them, and
     * what came of it, as {@link Imported} reads it. With {@code strict} 1 a row that is refused is an error.
     */
    static native byte[] importedOpen(byte[] schema, long array, long arrowSchema, int strict, ByteBuffer error);

    static native long importedClose(long handle, ByteBuffer error);

    /** As {@link #trainerStep}, of all its rows. */
    static native long trainerStepImported(
            long handle,
            long imported,
            long eventTime,
            ByteBuffer position,
            int positionBytes,
            ByteBuffer results,
            ByteBuffer error);

    /** As {@link #trainerPredict}. */
    static native long trainerPredictImported(
            long handle, long imported, int first, int rows, ByteBuffer results, ByteBuffer error);

    /** As {@link #trainerPredict}. */
    static native long predictorPredictImported(
            long handle, long imported, int first, int rows, ByteBuffer results, ByteBuffer error);

    /** What waits in the log, as {@link Log} reads it. */
    static native byte[] logDrain(ByteBuffer error);
}
