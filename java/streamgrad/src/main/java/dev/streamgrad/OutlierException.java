package dev.streamgrad;

/**
 * The norm of a gradient is far beyond those before; the step changed nothing and training can go on. See {@link Guard}.
 *
 * <p>Instances are immutable and safe for use by several threads; they hold no native memory and stay valid for ever.
 */
public final class OutlierException extends StreamgradException {
    private static final long serialVersionUID = 1L;

    OutlierException(String message) {
        super(Status.OUTLIER, message);
    }
}
