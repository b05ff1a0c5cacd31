package dev.streamgrad;

/**
 * An earlier failure left the trainer without a trustworthy state: open a new one.
 *
 * <p>Instances are immutable and safe for use by several threads; they hold no native memory and stay valid for ever.
 */
public final class PoisonedException extends StreamgradException {
    private static final long serialVersionUID = 1L;

    PoisonedException(String message) {
        super(Status.POISONED, message);
    }
}
