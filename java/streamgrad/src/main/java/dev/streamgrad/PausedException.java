package dev.streamgrad;

/**
 * The trainer is paused: it predicts, and learns when {@link Trainer#resume} is called, here or by another process.
 *
 * <p>Instances are immutable and safe for use by several threads; they hold no native memory and stay valid for ever.
 */
public final class PausedException extends StreamgradException {
    private static final long serialVersionUID = 1L;

    PausedException(String message) {
        super(Status.PAUSED, message);
    }
}
