package dev.streamgrad;

/**
 * A named value of a record and its place in the model: the whole row of a column, or one element of it. Immutable,
 * safe for use by several threads, independent of the trainer it came from.
 */
public final class Field {
    private final int index;
    private final String name;
    private final Column column;
    private final int columnIndex;
    private final int element;
    private final int elements;

    Field(int index, String name, Column column, int columnIndex, int element, int elements) {
        this.index = index;
        this.name = name;
        this.column = column;
        this.columnIndex = columnIndex;
        this.element = element;
        this.elements = elements;
    }

    /**
     * The number to give to {@link Row}'s indexed methods.
     *
     * @return the place in {@link Schema#fields()}
     */
    public int index() {
        return index;
    }

    /**
     * The name in the record.
     *
     * @return its name
     */
    public String name() {
        return name;
    }

    /**
     * The column that it fills, wholly or in part.
     *
     * @return a feature, label or weight
     */
    public Column column() {
        return column;
    }

    /**
     * How many values it takes: one for a scalar, else an array of this length; any number if the column is
     * {@linkplain Column#ragged ragged}.
     *
     * @return one, or the elements of the column's row
     */
    public int elements() {
        return elements;
    }

    /** How many numbers these values are: twice as many if they are complex. */
    int numbers() {
        return elements * column.dtype().parts();
    }

    /** The column's place in {@link Schema#columns()}. */
    int columnIndex() {
        return columnIndex;
    }

    /** Its first element within the column's row. */
    int element() {
        return element;
    }

    /** The name, for messages. */
    @Override
    public String toString() {
        return name;
    }
}
