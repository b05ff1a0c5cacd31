package dev.streamgrad;

/**
 * A snapshot or the folder of a store is missing, damaged, contradicts itself, or is of a newer format: open another
 * version.
 *
 * <p>Instances are immutable and safe for use by several threads; they hold no native memory and stay valid for ever.
 */
public final class SnapshotException extends StreamgradException {
    private static final long serialVersionUID = 1L;

    SnapshotException(String message) {
        super(Status.INVALID_SNAPSHOT, message);
    }
}
