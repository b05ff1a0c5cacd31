package dev.streamgrad.flink;

import dev.streamgrad.Column;
import dev.streamgrad.DType;
import dev.streamgrad.InvalidInputException;
import dev.streamgrad.Predictions;
import dev.streamgrad.Schema;

/** Makes a {@link Scored} of a record and its row of a batch's predictions. Used by one thread. */
final class Scores<T> {
    /** Null for a model with one scalar float32 output. */
    private final String[] names;

    private Predictions source;
    private Predictions.Output[] outputs;

    /** Those of a model that learns: its steps hand out no strings. */
    static <T> Scores<T> learning(Schema schema) {
        for (Column output : schema.outputs()) {
            if (output.dtype() == DType.STRING) {
                throw new InvalidInputException("learn: a step hands out no strings; export the model without this output, or"
                        + " predict beside learning: " + output);
            }
        }
        return new Scores<>(schema);
    }

    Scores(Schema schema) {
        Column first = schema.outputs().get(0);
        boolean number = schema.outputs().size() == 1 && first.elements() == 1 && first.dtype() == DType.FLOAT32;
        this.names = number ? null : schema.outputs().stream().map(Column::name).toArray(String[]::new);
    }

    Scored<T> of(T record, Predictions predictions, int row) {
        if (names == null) {
            return new Scored<>(record, predictions.versionId(), predictions.value(row));
        }
        if (source != predictions) {
            outputs = new Predictions.Output[names.length];
            for (int i = 0; i < names.length; i++) {
                outputs[i] = predictions.output(names[i]);
            }
            source = predictions;
        }
        OutputValues[] values = new OutputValues[names.length];
        for (int i = 0; i < names.length; i++) {
            values[i] = OutputValues.of(outputs[i], row);
        }
        return new Scored<>(record, predictions.versionId(), names, values);
    }
}
