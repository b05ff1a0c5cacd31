package dev.streamgrad;

/**
 * The trainer was stopped: it predicts, and learns no more. Close it.
 *
 * <p>Instances are immutable and safe for use by several threads; they hold no native memory and stay valid for ever.
 */
public final class StoppedException extends StreamgradException {
    private static final long serialVersionUID = 1L;

    StoppedException(String message) {
        super(Status.STOPPED, message);
    }
}
