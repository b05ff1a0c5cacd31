package dev.streamgrad;

import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;

/**
 * The row that {@link Batch#add} is filling: sets the fields of one record, by name or, faster, by index.
 *
 * <p>Numbers are converted only where nothing but a float's rounding is lost: a float column takes every finite number within its
 * range, an integer column whole numbers within its range, a bool column 0 and 1. Refused are infinity, NaN unless values may be
 * missing, and a label that the loss does not allow. A field set twice keeps the later value. An array fills a field that holds a
 * whole row, in row-major order, or a {@linkplain Column#ragged ragged} one with any number; a complex number is two of its values.
 *
 * <p>Used by one thread, and only within the call of {@code add} that handed it out.
 */
public final class Row {
    private final Batch batch;
    private final RowMemory memory;

    Row(Batch batch, RowMemory memory) {
        this.batch = batch;
        this.memory = memory;
    }

    /**
     * Sets a scalar field.
     *
     * @param field its name
     * @param value any number that the column can hold
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the value
     */
    public Row set(String field, double value) {
        return set(batch.schema().fieldIndex(field), value);
    }

    /**
     * Sets a scalar field.
     *
     * @param field its name
     * @param value any number that the column can hold
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the value
     */
    public Row set(String field, long value) {
        return set(batch.schema().fieldIndex(field), value);
    }

    /**
     * Sets a scalar field; a numeric column takes 0 or 1.
     *
     * @param field its name
     * @param value the truth value
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the value
     */
    public Row set(String field, boolean value) {
        return set(batch.schema().fieldIndex(field), value);
    }

    /**
     * Sets a string field, in UTF-8.
     *
     * @param field its name
     * @param value the text
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the value
     */
    public Row set(String field, String value) {
        return set(batch.schema().fieldIndex(field), value);
    }

    /**
     * Sets a string field as these bytes, or the elements of an int8 or uint8 field.
     *
     * @param field its name
     * @param value copied
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the value
     */
    public Row set(String field, byte[] value) {
        return set(batch.schema().fieldIndex(field), value);
    }

    /**
     * Sets every element of a field, or the values of a ragged one.
     *
     * @param field its name
     * @param values as many as the field has elements, of a ragged field any number; copied
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the values
     */
    public Row set(String field, float[] values) {
        return set(batch.schema().fieldIndex(field), values);
    }

    /**
     * Sets every element of a field, or the values of a ragged one.
     *
     * @param field its name
     * @param values as many as the field has elements, of a ragged field any number; copied
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the values
     */
    public Row set(String field, double[] values) {
        return set(batch.schema().fieldIndex(field), values);
    }

    /**
     * Sets every element of a field, or the values of a ragged one.
     *
     * @param field its name
     * @param values as many as the field has elements, of a ragged field any number; copied
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the values
     */
    public Row set(String field, int[] values) {
        return set(batch.schema().fieldIndex(field), values);
    }

    /**
     * Sets every element of a field, or the values of a ragged one.
     *
     * @param field its name
     * @param values as many as the field has elements, of a ragged field any number; copied
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the values
     */
    public Row set(String field, long[] values) {
        return set(batch.schema().fieldIndex(field), values);
    }

    /**
     * Sets a field from whatever a record holds: a number, boolean, string, or an array or list of such;
     * {@code null} leaves out a label, a weight, or what {@linkplain Column#optional may be missing}.
     *
     * @param field its name
     * @param value the value
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the value
     */
    public Row set(String field, Object value) {
        return set(batch.schema().fieldIndex(field), value);
    }

    /**
     * Sets a scalar field.
     *
     * @param field its index, from {@link Schema#fieldIndex}
     * @param value any number that the column can hold
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the value
     */
    public Row set(int field, double value) {
        Field place = batch.place(field, 1);
        memory.put(place, 0, value);
        return filled(place);
    }

    /**
     * Sets a scalar field.
     *
     * @param field its index, from {@link Schema#fieldIndex}
     * @param value any number that the column can hold
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the value
     */
    public Row set(int field, long value) {
        Field place = batch.place(field, 1);
        memory.put(place, 0, value);
        return filled(place);
    }

    /**
     * Sets a scalar field; a numeric column takes 0 or 1.
     *
     * @param field its index, from {@link Schema#fieldIndex}
     * @param value the truth value
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the value
     */
    public Row set(int field, boolean value) {
        return set(field, value ? 1L : 0L);
    }

    /**
     * Sets a string field, in UTF-8.
     *
     * @param field its index, from {@link Schema#fieldIndex}
     * @param value the text
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the value
     */
    public Row set(int field, String value) {
        if (value == null) {
            return leaveOut(field);
        }
        Field place = batch.place(field, 1);
        memory.put(place, 0, value);
        return filled(place);
    }

    /**
     * Sets a string field as these bytes, or the elements of an int8 or uint8 field.
     *
     * @param field its index, from {@link Schema#fieldIndex}
     * @param value copied
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the value
     */
    public Row set(int field, byte[] value) {
        if (value == null) {
            return leaveOut(field);
        }
        DType dtype = batch.schema().field(field).column().dtype();
        if (dtype == DType.STRING) {
            Field place = batch.place(field, 1);
            memory.put(place, 0, value);
            return filled(place);
        }
        Field place = batch.place(field, value.length);
        boolean unsigned = dtype == DType.UINT8;
        for (int i = 0; i < value.length; i++) {
            long element = unsigned ? Byte.toUnsignedLong(value[i]) : value[i];
            memory.put(place, i, element);
        }
        return filled(place);
    }

    /**
     * Sets every element of a field, or the values of a ragged one.
     *
     * @param field its index, from {@link Schema#fieldIndex}
     * @param values as many as the field has elements, of a ragged field any number; copied
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the values
     */
    public Row set(int field, float[] values) {
        if (values == null) {
            return leaveOut(field);
        }
        Field place = batch.place(field, values.length);
        for (int i = 0; i < values.length; i++) {
            memory.put(place, i, values[i]);
        }
        return filled(place);
    }

    /**
     * Sets every element of a field, or the values of a ragged one.
     *
     * @param field its index, from {@link Schema#fieldIndex}
     * @param values as many as the field has elements, of a ragged field any number; copied
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the values
     */
    public Row set(int field, double[] values) {
        if (values == null) {
            return leaveOut(field);
        }
        Field place = batch.place(field, values.length);
        for (int i = 0; i < values.length; i++) {
            memory.put(place, i, values[i]);
        }
        return filled(place);
    }

    /**
     * Sets every element of a field, or the values of a ragged one.
     *
     * @param field its index, from {@link Schema#fieldIndex}
     * @param values as many as the field has elements, of a ragged field any number; copied
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the values
     */
    public Row set(int field, int[] values) {
        if (values == null) {
            return leaveOut(field);
        }
        Field place = batch.place(field, values.length);
        for (int i = 0; i < values.length; i++) {
            memory.put(place, i, (long) values[i]);
        }
        return filled(place);
    }

    /**
     * Sets every element of a field, or the values of a ragged one.
     *
     * @param field its index, from {@link Schema#fieldIndex}
     * @param values as many as the field has elements, of a ragged field any number; copied
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the values
     */
    public Row set(int field, long[] values) {
        if (values == null) {
            return leaveOut(field);
        }
        Field place = batch.place(field, values.length);
        for (int i = 0; i < values.length; i++) {
            memory.put(place, i, values[i]);
        }
        return filled(place);
    }

    /**
     * Sets a field from whatever a record holds: a number, boolean, string, or an array or list of such;
     * {@code null} leaves out a label, a weight, or what {@linkplain Column#optional may be missing}.
     *
     * @param field its index, from {@link Schema#fieldIndex}
     * @param value the value
     * @return this row
     * @throws InvalidInputException if there is no such field or it cannot hold the value
     */
    public Row set(int field, Object value) {
        if (value == null) {
            return leaveOut(field);
        } else if (value instanceof byte[]) {
            return set(field, (byte[]) value);
        } else if (value instanceof float[]) {
            return set(field, (float[]) value);
        } else if (value instanceof double[]) {
            return set(field, (double[]) value);
        } else if (value instanceof int[]) {
            return set(field, (int[]) value);
        } else if (value instanceof long[]) {
            return set(field, (long[]) value);
        } else if (value instanceof List) {
            return elements(field, (List<?>) value);
        } else if (value.getClass().isArray()) {
            return elements(field, value);
        }
        Field place = batch.place(field, 1);
        element(place, 0, value);
        return filled(place);
    }

    /** The elements of an array of any other type. */
    private Row elements(int field, Object array) {
        int length = Array.getLength(array);
        Field place = batch.place(field, length);
        for (int i = 0; i < length; i++) {
            element(place, i, Array.get(array, i));
        }
        return filled(place);
    }

    private Row elements(int field, List<?> values) {
        Field place = batch.place(field, values.size());
        int i = 0;
        for (Object value : values) {
            element(place, i++, value);
        }
        return filled(place);
    }

    private void element(Field place, int i, Object given) {
        Object value = given instanceof BigDecimal ? Cells.exact(place, (BigDecimal) given) : given;
        if (value instanceof Double || value instanceof Float || value instanceof BigDecimal) {
            memory.put(place, i, ((Number) value).doubleValue());
        } else if (value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte) {
            memory.put(place, i, ((Number) value).longValue());
        } else if (value instanceof BigInteger && ((BigInteger) value).bitLength() < Long.SIZE) {
            memory.put(place, i, ((BigInteger) value).longValue());
        } else if (value instanceof BigInteger && Cells.unsigned(place, (BigInteger) value)) {
            memory.putUnsigned(place, i, ((BigInteger) value).longValue());
        } else if (value instanceof Boolean) {
            memory.put(place, i, (Boolean) value ? 1L : 0L);
        } else if (value instanceof CharSequence) {
            memory.put(place, i, (CharSequence) value);
        } else if (value instanceof byte[]) {
            memory.put(place, i, (byte[]) value);
        } else if (value == null && place.column().optional()) {
            memory.miss(place, i);
        } else {
            String type = value == null ? "null" : value.getClass().getName();
            throw new InvalidInputException("set field: takes numbers, booleans, strings and bytes or arrays and lists"
                    + " of them, convert it: " + place + " is " + type);
        }
    }

    private Row leaveOut(int field) {
        Field place = batch.place(field, batch.schema().field(field).numbers());
        if (place.column().role() == Column.Role.FEATURE && !place.column().optional()) {
            throw new InvalidInputException("set field: a feature needs a value, not null: " + place);
        }
        batch.unmark(place);
        return this;
    }

    private Row filled(Field place) {
        batch.mark(place);
        return this;
    }
}
