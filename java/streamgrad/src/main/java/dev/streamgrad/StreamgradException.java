package dev.streamgrad;

/**
 * What went wrong, while doing what, and what to do about it; nothing was changed by the call that throws it.
 *
 * <p>There is a subclass wherever a caller would act differently; what is left (the operating system, a platform that
 * is not supported, a defect of the library) is this class itself. Instances are immutable and safe for use by several
 * threads; they hold no native memory and stay valid for ever.
 */
public class StreamgradException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The code that C and Rust have for it. */
    private final int status;

    StreamgradException(int status, String message) {
        super(message);
        this.status = status;
    }

    StreamgradException(int status, String message, Throwable cause) {
        super(message, cause);
        this.status = status;
    }

    /** The exception for a status code other than {@code OK}. */
    static StreamgradException of(int status, String message) {
        switch (status) {
            case Status.INVALID_INPUT:
            case Status.NULL_POINTER:
            case Status.BUFFER_TOO_SMALL:
            case Status.MISALIGNED:
                return new InvalidInputException(status, message);
            case Status.CLOSED:
                return new ClosedException(message);
            case Status.INVALID_BUNDLE:
            case Status.REFUSED_GRAPH:
                return new BundleException(status, message);
            case Status.INVALID_SNAPSHOT:
                return new SnapshotException(message);
            case Status.TENSORFLOW_NOT_FOUND:
            case Status.TENSORFLOW_CONFLICT:
            case Status.TENSORFLOW:
                return new TensorFlowException(status, message);
            case Status.NON_FINITE:
                return new NonFiniteException(message);
            case Status.POISONED:
                return new PoisonedException(message);
            case Status.OUTLIER:
                return new OutlierException(message);
            case Status.PAUSED:
                return new PausedException(message);
            case Status.STOPPED:
                return new StoppedException(message);
            case Status.LOCKED:
                return new LockedException(message);
            default:
                return new StreamgradException(status, message);
        }
    }

    /**
     * The code of this failure, as in {@code streamgrad.h}: codes are in ranges and never change their meaning.
     *
     * @return a positive number
     */
    public int status() {
        return status;
    }
}
