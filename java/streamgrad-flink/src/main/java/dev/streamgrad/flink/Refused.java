package dev.streamgrad.flink;

import java.util.Objects;
import org.apache.flink.api.common.typeinfo.TypeInfo;

/**
 * A record that the model did not learn, and why: it could not be encoded, or its batch was refused because something was
 * not finite, or by the guard. As safe for use by several threads as the record is.
 */
@TypeInfo(RefusedTypeInfo.Factory.class)
public final class Refused {
    private final Object record;
    private final String reason;

    Refused(Object record, String reason) {
        this.record = Objects.requireNonNull(record, "record");
        this.reason = Objects.requireNonNull(reason, "reason");
    }

    /**
     * The record as it came in.
     *
     * @return never null; of the type of the learner's input
     */
    public Object record() {
        return record;
    }

    /**
     * What is wrong, and what to do about it.
     *
     * @return one line
     */
    public String reason() {
        return reason;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Refused
                && record.equals(((Refused) other).record)
                && reason.equals(((Refused) other).reason);
    }

    @Override
    public int hashCode() {
        return 31 * record.hashCode() + reason.hashCode();
    }

    @Override
    public String toString() {
        return record + " refused: " + reason;
    }
}
