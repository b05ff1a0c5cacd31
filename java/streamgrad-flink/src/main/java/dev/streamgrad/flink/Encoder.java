package dev.streamgrad.flink;

import dev.streamgrad.Row;
import java.io.Serializable;

/**
 * Maps a record to the fields of a model, for records that do not have these fields by name.
 *
 * <pre>{@code
 * (flight, row) -> {
 *     row.set("hour", flight.departure().getHour()).set("distance", flight.miles());
 *     if (flight.landed()) {
 *         row.set("late", flight.delay() >= 15);
 *     }
 * }
 * }</pre>
 *
 * <p>The same record has to give the same row always: a record whose row was not learned yet is encoded again after a
 * restart. Whatever {@code encode} throws sends its record to {@link Streamgrad#REFUSED} with the message as the
 * reason. An instance is serialised with the job and used by one thread per subtask.
 *
 * @param <T> the record
 */
@FunctionalInterface
public interface Encoder<T> extends Serializable {
    /**
     * Sets every feature of the row, and the labels and the weight if the record carries its label.
     *
     * @param record what to encode; not to be changed
     * @param row the row to fill, by field name or by index; not to be kept
     */
    void encode(T record, Row row);

    /**
     * Whether the record carries its label. A record without one is only predicted.
     *
     * <p>Always {@code true} is right, too: a record whose labels {@code encode} leaves out counts as one without label.
     * It is then encoded twice, so override this where many records carry none.
     *
     * @param record what to encode
     * @return false if it is to be predicted only
     */
    default boolean isLabelled(T record) {
        return true;
    }
}
