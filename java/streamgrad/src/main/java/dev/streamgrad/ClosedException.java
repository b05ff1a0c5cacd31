package dev.streamgrad;

/**
 * The object was closed, or never was one: open a new one.
 *
 * <p>Instances are immutable and safe for use by several threads; they hold no native memory and stay valid for ever.
 */
public final class ClosedException extends StreamgradException {
    private static final long serialVersionUID = 1L;

    ClosedException(String message) {
        super(Status.CLOSED, message);
    }
}
