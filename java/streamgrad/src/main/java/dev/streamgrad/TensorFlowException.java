package dev.streamgrad;

/**
 * No TensorFlow library was found, another one is already in this process, or TensorFlow itself reported an error.
 *
 * <p>Instances are immutable and safe for use by several threads; they hold no native memory and stay valid for ever.
 */
public final class TensorFlowException extends StreamgradException {
    private static final long serialVersionUID = 1L;

    TensorFlowException(int status, String message) {
        super(status, message);
    }
}
