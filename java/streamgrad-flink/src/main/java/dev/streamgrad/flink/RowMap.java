package dev.streamgrad.flink;

import dev.streamgrad.Column;
import dev.streamgrad.DType;
import dev.streamgrad.Predictor;
import dev.streamgrad.Schema;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.ResultTypeQueryable;
import org.apache.flink.api.java.typeutils.RowTypeInfo;
import org.apache.flink.types.Row;

/**
 * Makes rows of scored records: the record's fields, then each output of the model as {@code predicted_NAME}, all of them typed,
 * so that the Table API takes the stream as it is. {@link Learning#asRows} and {@link Predicting#asRows} do it by themselves.
 *
 * <pre>{@code
 * var rows = flights.map(new PredictMap<>(bundle, type)).map(new RowMap<>(bundle, type));
 * tables.createTemporaryView("scored", rows);
 * }</pre>
 *
 * <p>An output of one number is a single value, any other an array, of {@code [2, 3]} an array of arrays; {@code docs/types.md}
 * has the types. What is made of it is known when the job is built, from the bundle. Used by the task's thread.
 *
 * @param <T> the record
 */
public final class RowMap<T> extends RichMapFunction<Scored<T>, Row> implements ResultTypeQueryable<Row> {
    private static final long serialVersionUID = 1L;
    private static final String PREFIX = "predicted_";

    /** The record's. */
    private final TypeInformation<T> type;
    /** Where its fields' names are. */
    private final Fields fields;

    /** The model's, in its order. */
    private final List<Output> outputs = new ArrayList<>();
    /** The type of the rows. */
    private final RowTypeInfo produced;

    private transient RecordField[] columns;

    /** What travels of an output's column. */
    private static final class Output implements Serializable {
        private static final long serialVersionUID = 1L;

        private final String name;
        private final DType dtype;
        private final int[] shape;

        Output(Column column) {
            this.name = column.name();
            this.dtype = column.dtype();
            this.shape = column.shape();
        }
    }

    /**
     * Makes rows of what a bundle's model says of records of this type.
     *
     * @param bundle what {@link BundleSource#of} takes; this machine reads its manifest
     * @param type the record's type, as {@code stream.getType()} or {@code TypeInformation.of(Flight.class)}
     * @throws IllegalArgumentException if the bundle cannot be read here, or a field of the record cannot be a column
     */
    public RowMap(String bundle, TypeInformation<T> type) {
        this(schema(BundleSource.of(bundle)), type, Fields.named());
    }

    RowMap(Schema schema, TypeInformation<T> type, Fields fields) {
        this.type = Objects.requireNonNull(type, "type");
        this.fields = fields;
        List<String> names = new ArrayList<>();
        List<TypeInformation<?>> types = new ArrayList<>();
        RecordFields found = RecordFields.of(record(), fields);
        for (String name : found.columns()) {
            TypeInformation<?> column = found.field(name).information();
            if (column == null) {
                throw new IllegalArgumentException("make rows: no column holds such a field, leave it out of the record: "
                        + name + " is " + found.field(name).type());
            }
            names.add(name);
            types.add(column);
        }
        if (names.isEmpty()) {
            throw new IllegalArgumentException("make rows: only each record knows its fields, give the stream their types, as"
                    + " Types.ROW_NAMED does: the type is " + type);
        }
        for (Column output : schema.outputs()) {
            outputs.add(new Output(output));
            names.add(PREFIX + output.name());
            types.add(FlinkType.of(output.dtype()).output(output.shape()));
        }
        this.produced = new RowTypeInfo(types.toArray(new TypeInformation<?>[0]), names.toArray(new String[0]));
    }

    private static Schema schema(BundleSource bundle) {
        return new BundleReader(bundle, null, folder -> Predictor.builder(folder).schema()).schema();
    }

    private TypeInformation<?> record() {
        return type instanceof ExampleTypeInfo ? ((ExampleTypeInfo<?>) type).record() : type;
    }

    @Override
    public void open(OpenContext context) {
        RecordFields found = RecordFields.of(record(), fields);
        columns = found.columns().stream().map(found::field).toArray(RecordField[]::new);
    }

    /**
     * Makes a row.
     *
     * @param scored a record with its prediction
     * @return one that {@link #getProducedType} describes
     */
    @Override
    public Row map(Scored<T> scored) {
        Object record = scored.record();
        Object source = record instanceof Example ? ((Example<?>) record).record() : record;
        Row row = new Row(columns.length + outputs.size());
        for (int i = 0; i < columns.length; i++) {
            row.setField(i, columns[i].get(source));
        }
        for (int i = 0; i < outputs.size(); i++) {
            Output output = outputs.get(i);
            OutputValues values = scored.exact(output.name);
            if (values == null) {
                throw new IllegalArgumentException("make row: another model predicted, it has " + scored.outputs()
                        + " but no output " + output.name);
            }
            row.setField(columns.length + i, FlinkType.of(output.dtype).value(values, output.shape));
        }
        return row;
    }

    @Override
    public TypeInformation<Row> getProducedType() {
        return produced;
    }
}
