package dev.streamgrad;

/**
 * An argument, a record or a batch is wrong: correct it and call again.
 *
 * <p>Instances are immutable and safe for use by several threads; they hold no native memory and stay valid for ever.
 */
public final class InvalidInputException extends StreamgradException {
    private static final long serialVersionUID = 1L;

    /**
     * For encoders of records: what is wrong with the record and what to do about it.
     *
     * @param message lowercase, variables last
     */
    public InvalidInputException(String message) {
        super(Status.INVALID_INPUT, message);
    }

    InvalidInputException(int status, String message) {
        super(status, message);
    }
}
