package dev.streamgrad;

/**
 * The loss, a gradient or a new parameter is not finite; the step changed nothing and training can go on.
 *
 * <p>Instances are immutable and safe for use by several threads; they hold no native memory and stay valid for ever.
 */
public final class NonFiniteException extends StreamgradException {
    private static final long serialVersionUID = 1L;

    NonFiniteException(String message) {
        super(Status.NON_FINITE, message);
    }
}
