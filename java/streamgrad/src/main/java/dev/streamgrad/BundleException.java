package dev.streamgrad;

/**
 * The bundle is missing, damaged, contradicts itself, or its graph holds an op that was not allowed.
 *
 * <p>Instances are immutable and safe for use by several threads; they hold no native memory and stay valid for ever.
 */
public final class BundleException extends StreamgradException {
    private static final long serialVersionUID = 1L;

    BundleException(int status, String message) {
        super(status, message);
    }
}
