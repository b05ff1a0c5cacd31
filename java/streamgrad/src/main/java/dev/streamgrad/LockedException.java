package dev.streamgrad;

/**
 * Somebody else holds what only one may hold: wait, or end the other, which the message names.
 *
 * <p>Instances are immutable and safe for use by several threads; they hold no native memory and stay valid for ever.
 */
public final class LockedException extends StreamgradException {
    private static final long serialVersionUID = 1L;

    LockedException(String message) {
        super(Status.LOCKED, message);
    }
}
