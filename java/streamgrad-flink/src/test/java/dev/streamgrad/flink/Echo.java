package dev.streamgrad.flink;

import dev.streamgrad.Batch;
import dev.streamgrad.Column;
import dev.streamgrad.Predictions;
import dev.streamgrad.Trainer;
import java.nio.file.Path;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** What a model was given, bit for bit: records go through an encoder and come out as the types of {@link RowMap}. */
final class Echo implements AutoCloseable {
    /** Whatever the record lacks is zero. */
    static final Fields REST = rest();

    final Trainer trainer = Trainer.open(Path.of(Bundles.echoes()));

    private static Fields rest() {
        Fields fields = Fields.named().orElse("matrix", 0.0).orElse("steps", 0).orElse("text", "").orElse("of_bool", false);
        for (String number : new String[] {"float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}) {
            fields = fields.orElse("of_" + number, 0);
        }
        return fields;
    }

    /** The output {@code echo_NAME} for a record. */
    <T> Object of(String name, TypeInformation<T> type, T record, Fields fields) {
        return value("echo_" + name, predict(type, record, fields));
    }

    <T> Object of(String name, TypeInformation<T> type, T record) {
        return of(name, type, record, REST);
    }

    /** What the text alone makes of the answer. */
    <T> Object answer(TypeInformation<T> type, T record) {
        return value("answer", predict(type, record, REST));
    }

    private <T> Predictions predict(TypeInformation<T> type, T record, Fields fields) {
        FieldEncoder<T> encoder = FieldEncoder.predicting(trainer.schema(), type, fields);
        Batch batch = trainer.newBatch(1);
        batch.add(record, encoder::encode);
        return trainer.predict(batch);
    }

    private static Object value(String output, Predictions predictions) {
        Column column = predictions.output(output).column();
        OutputValues values = OutputValues.of(predictions.output(output), 0);
        return FlinkType.of(column.dtype()).value(values, column.shape());
    }

    @Override
    public void close() {
        trainer.close();
    }
}
