package dev.streamgrad;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A named, typed input or output of the model: a feature, label or weight that a record's fields fill, or an output
 * that predictions come from. Immutable, safe for use by several threads, independent of the trainer it came from.
 */
public final class Column {
    /** What a column is to the model. */
    public enum Role {
        /** What the model sees. */
        FEATURE,
        /** What the model is to learn. */
        LABEL,
        /** How much a row counts in the loss. */
        WEIGHT,
        /** What the model predicts. */
        OUTPUT
    }

    private final Role role;
    private final String name;
    private final DType dtype;
    private final int[] shape;
    private final boolean ragged;
    private final boolean optional;
    private final int elements;
    private final List<String> fields;
    private final double lowest;
    private final double highest;

    Column(
            Role role,
            String name,
            DType dtype,
            int[] shape,
            boolean ragged,
            boolean optional,
            List<String> fields,
            double lowest,
            double highest) {
        this.role = role;
        this.name = name;
        this.dtype = dtype;
        this.shape = shape;
        this.ragged = ragged;
        this.optional = optional;
        this.fields = List.copyOf(fields);
        this.lowest = lowest;
        this.highest = highest;
        int product = 1;
        for (int dimension : shape) {
            product = Math.multiplyExact(product, dimension);
        }
        this.elements = product;
    }

    /**
     * What the column is to the model.
     *
     * @return its role
     */
    public Role role() {
        return role;
    }

    /**
     * The name in the model.
     *
     * @return its name
     */
    public String name() {
        return name;
    }

    /**
     * The type of the elements.
     *
     * @return its dtype
     */
    public DType dtype() {
        return dtype;
    }

    /**
     * Whether a row has any number of values, none included: the field takes an array or list of any length.
     *
     * @return false if every row has the column's {@link #shape}
     */
    public boolean ragged() {
        return ragged;
    }

    /**
     * Whether values may be missing in a record, because the bundle's transforms fill the gap: a field that is not set or
     * null, NaN, the lowest number of an int32 or int64, an empty string.
     *
     * @return false where every row has a value
     */
    public boolean optional() {
        return optional;
    }

    /**
     * The shape of one row, or of one value if the rows are ragged; empty is one scalar.
     *
     * @return a copy
     */
    public int[] shape() {
        return shape.clone();
    }

    /**
     * Elements of one row, or of one value if the rows are ragged: the product of the shape.
     *
     * @return one or more
     */
    public int elements() {
        return elements;
    }

    /**
     * The record's fields that fill one row, in row-major order: one field that holds the whole row, or as many as
     * the row has elements. Empty for an output.
     *
     * @return an unmodifiable list
     */
    public List<String> fields() {
        return fields;
    }

    /**
     * The lowest value that the loss allows in a label.
     *
     * @return empty if every value is allowed
     */
    public Optional<Double> lowest() {
        return lowest == Double.NEGATIVE_INFINITY ? Optional.empty() : Optional.of(lowest);
    }

    /**
     * The highest value that the loss allows in a label.
     *
     * @return empty if every value is allowed
     */
    public Optional<Double> highest() {
        return highest == Double.POSITIVE_INFINITY ? Optional.empty() : Optional.of(highest);
    }

    /** Whether the loss allows this value; NaN is for others to refuse. */
    boolean allows(double value) {
        return !(value < lowest || value > highest);
    }

    double lowestOrInfinity() {
        return lowest;
    }

    double highestOrInfinity() {
        return highest;
    }

    /** Bytes of one row in a slab. */
    int rowBytes() {
        return ragged ? Layout.SLOT : Math.multiplyExact(elements, dtype.slot());
    }

    /** Whether its part of a slab is slots that lead into the heap. */
    boolean slots() {
        return ragged || dtype == DType.STRING;
    }

    /** Name, dtype and shape on one line, for messages: {@code numbers float32[4]}, or {@code items int64[ragged]}. */
    @Override
    public String toString() {
        return name + " " + dtype + (ragged ? "[ragged]" : Arrays.toString(shape).replace(" ", ""));
    }
}
