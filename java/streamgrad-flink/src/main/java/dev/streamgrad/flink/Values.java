package dev.streamgrad.flink;

import dev.streamgrad.Column;
import dev.streamgrad.DType;
import dev.streamgrad.Field;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * Makes of the objects that records hold what a {@link dev.streamgrad.Row} takes: of a time a number, of an enum its name, of
 * arrays within each other the values in row-major order. Immutable, safe for use by several threads.
 */
final class Values {
    /** The unit of times, or null if each object has that of its class. */
    private final Tick tick;
    /** The lengths that arrays within each other must have; null if there is one array at most. */
    private final int[] shape;
    /** Whether byte arrays are values and not arrays. */
    private final boolean text;

    private Values(Tick tick, int[] shape, boolean text) {
        this.tick = tick;
        this.shape = shape;
        this.text = text;
    }

    static Values of(ValueType type, Field field) {
        Column column = field.column();
        boolean whole = column.fields().size() == 1 && !column.ragged() && column.shape().length > 1;
        return new Values(type.tick(), whole ? column.shape() : null, column.dtype() == DType.STRING);
    }

    /** What to set a field from; null stays null. */
    Object plain(Object value) {
        if (value == null || value instanceof Number || value instanceof CharSequence || value instanceof Boolean) {
            return value;
        } else if (shape != null && isNested(value)) {
            List<Object> flat = new ArrayList<>();
            flatten(value, 0, flat);
            return flat;
        } else if (value instanceof Collection) {
            List<Object> plain = new ArrayList<>(((Collection<?>) value).size());
            ((Collection<?>) value).forEach(element -> plain.add(single(element)));
            return plain;
        } else if (value instanceof Object[]) {
            Object[] elements = (Object[]) value;
            List<Object> plain = new ArrayList<>(elements.length);
            for (Object element : elements) {
                plain.add(single(element));
            }
            return plain;
        }
        return value.getClass().isArray() ? value : single(value);
    }

    /** Whether its elements are arrays or lists. */
    private boolean isNested(Object value) {
        return isArray(value) && length(value) > 0 && isArray(at(value, 0));
    }

    private void flatten(Object value, int dimension, List<Object> flat) {
        if (dimension == shape.length) {
            flat.add(single(value));
            return;
        }
        if (!isArray(value) || length(value) != shape[dimension]) {
            throw new IllegalArgumentException("an array within an array has another length than the model's " + shape[dimension]
                    + " in dimension " + dimension + ": " + (isArray(value) ? length(value) : Labels.text(value)));
        }
        for (int i = 0; i < length(value); i++) {
            flatten(at(value, i), dimension + 1, flat);
        }
    }

    private boolean isArray(Object value) {
        return value instanceof List || value != null && value.getClass().isArray() && !(text && value instanceof byte[]);
    }

    private static int length(Object array) {
        return array instanceof List ? ((List<?>) array).size() : Array.getLength(array);
    }

    private static Object at(Object array, int i) {
        return array instanceof List ? ((List<?>) array).get(i) : Array.get(array, i);
    }

    /** One value; what is none of these the row refuses by its class. */
    private Object single(Object value) {
        if (value == null || value instanceof Number || value instanceof CharSequence || value instanceof Boolean) {
            return value;
        } else if (value instanceof Enum) {
            return ((Enum<?>) value).name();
        } else if (value instanceof Character) {
            return value.toString();
        } else if (value instanceof ByteBuffer) {
            ByteBuffer view = ((ByteBuffer) value).duplicate();
            byte[] bytes = new byte[view.remaining()];
            view.get(bytes);
            return bytes;
        }
        Tick own = Tick.ofClass(value.getClass());
        return own == null ? value : (Object) (tick != null ? tick : own).of(value);
    }
}
