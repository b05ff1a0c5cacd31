package dev.streamgrad.flink;

import java.io.Serializable;

/**
 * Takes the label out of an event: {@code e -> e.landed ? e.late : null}. Serialised with the job.
 *
 * @param <E> the event
 */
@FunctionalInterface
public interface LabelFunction<E> extends Serializable {
    /**
     * The event's label.
     *
     * @param event not to be changed
     * @return as {@link Example#labelled} takes it; null if the event carries none
     * @throws Exception what went wrong; the job fails with it
     */
    Object label(E event) throws Exception;
}
