package dev.streamgrad;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What the model says of each row of a batch, by output. Plain data: immutable, safe for use by several threads, valid
 * for ever.
 *
 * <p>An element of a complex output is two numbers here, the real part and the imaginary one.
 */
public final class Predictions {
    private final Schema schema;
    private final Layout layout;
    private final VersionId version;
    private final ByteBuffer data;

    /** Keeps {@code data}, which nobody else may hold. */
    Predictions(Schema schema, Layout layout, VersionId version, byte[] data) {
        this.schema = schema;
        this.layout = layout;
        this.version = version;
        this.data = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * The prediction for a row of a model with one scalar output.
     *
     * @param row from zero to {@link #rows}, exclusive
     * @return the number
     * @throws InvalidInputException if there is no such row, or the model has another output: take it by name
     */
    public float value(int row) {
        return only().value(row);
    }

    /**
     * The prediction for a row of a model with one output.
     *
     * @param row from zero to {@link #rows}, exclusive
     * @return a copy, in row-major order
     * @throws InvalidInputException if there is no such row, or the model has several outputs: take it by name
     */
    public float[] row(int row) {
        return only().row(row);
    }

    /**
     * The predictions of one output.
     *
     * @param name as in {@link Schema#outputs()}
     * @return a view that shares this object's life
     * @throws InvalidInputException if there is no such output
     */
    public Output output(String name) {
        for (int i = 0; i < schema.outputs().size(); i++) {
            if (schema.outputs().get(i).name().equals(name)) {
                return new Output(schema.outputs().get(i), layout.offset(i));
            }
        }
        throw new InvalidInputException("find output: the bundle has " + schema.outputs() + " but no output " + name);
    }

    /**
     * How many rows were predicted.
     *
     * @return one or more
     */
    public int rows() {
        return layout.rows();
    }

    /**
     * The version of the parameters that predicted.
     *
     * @return its number
     */
    public long version() {
        return version.number();
    }

    /**
     * The version of the parameters that predicted, with its lineage: after a rollback a number alone may name two.
     *
     * @return its name
     */
    public VersionId versionId() {
        return version;
    }

    private Output only() {
        List<Column> outputs = schema.outputs();
        if (outputs.size() != 1) {
            throw new InvalidInputException("read prediction: take one of several outputs by name: " + outputs);
        }
        return new Output(outputs.get(0), 0);
    }

    /**
     * The predictions of one output. Plain data: immutable, safe for use by several threads, valid for ever.
     */
    public final class Output {
        private final Column column;
        private final int offset;

        private Output(Column column, int offset) {
            this.column = column;
            this.offset = offset;
        }

        /**
         * Name, dtype and shape of the output.
         *
         * @return its column
         */
        public Column column() {
            return column;
        }

        /**
         * The prediction for a row of a scalar output.
         *
         * @param row from zero to {@link Predictions#rows}, exclusive
         * @return the number, rounded to a float if the output is not float32
         * @throws InvalidInputException if there is no such row or the output is not scalar
         */
        public float value(int row) {
            if (numbers() != 1) {
                throw new InvalidInputException("read prediction: take its " + numbers()
                        + " elements with row or by number: output " + column);
            }
            return value(row, 0);
        }

        /**
         * One element of the prediction for a row.
         *
         * @param row from zero to {@link Predictions#rows}, exclusive
         * @param element within the row, in row-major order
         * @return the number, rounded to a float if the output is not float32
         * @throws InvalidInputException if there is no such row or element
         */
        public float value(int row, int element) {
            return (float) wide(at(row, element));
        }

        /**
         * All elements of the prediction for a row.
         *
         * @param row from zero to {@link Predictions#rows}, exclusive
         * @return a copy, in row-major order, rounded to floats if the output is not float32
         * @throws InvalidInputException if there is no such row
         */
        public float[] row(int row) {
            float[] values = new float[numbers()];
            for (int i = 0; i < values.length; i++) {
                values[i] = value(row, i);
            }
            return values;
        }

        /**
         * All elements of the prediction for a row, for outputs wider than a float.
         *
         * @param row from zero to {@link Predictions#rows}, exclusive
         * @return a copy, in row-major order, rounded to doubles if the output is of 64-bit integers
         * @throws InvalidInputException if there is no such row
         */
        public double[] doubles(int row) {
            double[] values = new double[numbers()];
            for (int i = 0; i < values.length; i++) {
                values[i] = doubleValue(row, i);
            }
            return values;
        }

        /**
         * One element of the prediction for a row of a string output.
         *
         * @param row from zero to {@link Predictions#rows}, exclusive
         * @param element within the row, in row-major order
         * @return a copy
         * @throws InvalidInputException if there is no such row or element, or the output is not of strings
         */
        public byte[] bytes(int row, int element) {
            if (column.dtype() != DType.STRING) {
                throw new InvalidInputException("read prediction: it is a number, not a string: output " + column);
            }
            int slot = place(row, element);
            byte[] string = new byte[data.getInt(slot + Integer.BYTES)];
            data.duplicate().position(layout.bytes() + data.getInt(slot)).get(string);
            return string;
        }

        /**
         * One element of the prediction for a row of a string output, as text in UTF-8.
         *
         * @param row from zero to {@link Predictions#rows}, exclusive
         * @param element within the row, in row-major order
         * @return the text; what is no UTF-8 in it is the replacement character: {@link #bytes} has all
         * @throws InvalidInputException if there is no such row or element, or the output is not of strings
         */
        public String text(int row, int element) {
            return new String(bytes(row, element), StandardCharsets.UTF_8);
        }

        /**
         * One element of the prediction for a row, for outputs wider than a float.
         *
         * @param row from zero to {@link Predictions#rows}, exclusive
         * @param element within the row, in row-major order
         * @return the number, rounded to a double if the output is a 64-bit integer
         * @throws InvalidInputException if there is no such row or element
         */
        public double doubleValue(int row, int element) {
            return wide(at(row, element));
        }

        /**
         * One element of the prediction for a row, for integer outputs.
         *
         * @param row from zero to {@link Predictions#rows}, exclusive
         * @param element within the row, in row-major order
         * @return the number, with the bits of an unsigned one
         * @throws InvalidInputException if there is no such row or element, or the output is not of integers or bool
         */
        public long longValue(int row, int element) {
            int at = at(row, element);
            if (column.dtype().floating()) {
                throw new InvalidInputException("read prediction: it is not an integer: output " + column);
            }
            return integer(at);
        }

        private int numbers() {
            return column.elements() * column.dtype().parts();
        }

        private int at(int row, int element) {
            if (column.dtype() == DType.STRING) {
                throw new InvalidInputException("read prediction: it is a string, take its bytes or text: output " + column);
            }
            return place(row, element);
        }

        private int place(int row, int element) {
            int rows = layout.rows();
            if (row < 0 || row >= rows || element < 0 || element >= numbers()) {
                throw new InvalidInputException("read prediction: " + rows + " rows of " + numbers()
                        + " elements have no row " + row + ", element " + element);
            }
            return offset + (row * numbers() + element) * column.dtype().cell();
        }

        private double wide(int at) {
            switch (column.dtype()) {
                case FLOAT16:
                    return Half.FLOAT16.number(data.getShort(at));
                case BFLOAT16:
                    return Half.BFLOAT16.number(data.getShort(at));
                case FLOAT32:
                case COMPLEX64:
                    return data.getFloat(at);
                case FLOAT64:
                case COMPLEX128:
                    return data.getDouble(at);
                case UINT64:
                    long bits = data.getLong(at);
                    // Halved and doubled, the lowest bit kept for the rounding.
                    return bits >= 0 ? bits : 2.0 * (bits >>> 1 | bits & 1);
                default:
                    return integer(at);
            }
        }

        private long integer(int at) {
            switch (column.dtype()) {
                case INT8:
                    return data.get(at);
                case INT16:
                    return data.getShort(at);
                case INT32:
                    return data.getInt(at);
                case UINT8:
                case BOOL:
                    return Byte.toUnsignedLong(data.get(at));
                case UINT16:
                    return Short.toUnsignedLong(data.getShort(at));
                case UINT32:
                    return Integer.toUnsignedLong(data.getInt(at));
                default:
                    return data.getLong(at);
            }
        }
    }
}
