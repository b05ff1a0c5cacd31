package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.streamgrad.Batch;
import dev.streamgrad.InvalidInputException;
import dev.streamgrad.Trainer;
import java.nio.file.Path;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.formats.avro.typeutils.GenericRecordAvroTypeInfo;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.VarCharType;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;

/** Nulls where the bundle's transforms take gaps. */
final class GapsTest {
    private static <T> Batch encoded(Trainer trainer, TypeInformation<T> type, T record) {
        FieldEncoder<T> encoder = FieldEncoder.learning(trainer.schema(), type, Fields.named());
        Batch batch = trainer.newBatch(1);
        batch.add(record, encoder::encode);
        return batch;
    }

    /** A flight of which little is known. */
    public static class Gaps {
        public Integer seats;
        public String word;
        public double hour = 2;
        public Float value;
    }

    /** A stop, whose numbers are whole. */
    public static class Stop {
        public Integer gate;
        public Long stops;
        public double hour = 1;
        public Long id = 3L;
        public Float value;
    }

    @Test
    void nullIsAnIntegerThatMayBeMissing() {
        try (Trainer trainer = Trainer.open(Path.of(Bundles.integers()))) {
            Stop known = new Stop();
            known.gate = 7;
            known.stops = -1L;
            TypeInformation<Stop> pojo = TypeInformation.of(Stop.class);
            float wanted = trainer.predict(encoded(trainer, pojo, known)).value(0) + 10;
            assertEquals(wanted, trainer.predict(encoded(trainer, pojo, new Stop())).value(0), 1e-3f);
            String[] names = {"gate", "stops", "hour", "id", "value"};
            InternalTypeInfo<RowData> sql = InternalTypeInfo.ofFields(
                    new LogicalType[] {new IntType(), new BigIntType(), new DoubleType(), new BigIntType(), new FloatType()}, names);
            assertEquals(
                    wanted, trainer.predict(encoded(trainer, sql, GenericRowData.of(null, null, 1.0, 3L, null))).value(0), 1e-3f);
            TypeInformation<Row> named = Types.ROW_NAMED(names, Types.INT, Types.LONG, Types.DOUBLE, Types.LONG, Types.FLOAT);
            assertEquals(wanted, trainer.predict(encoded(trainer, named, Row.of(null, null, 1.0, 3L, null))).value(0), 1e-3f);
            Schema schema = SchemaBuilder.record("Stop")
                    .fields()
                    .optionalInt("gate")
                    .optionalLong("stops")
                    .requiredDouble("hour")
                    .requiredLong("id")
                    .optionalFloat("value")
                    .endRecord();
            GenericRecord avro = new GenericData.Record(schema);
            avro.put("hour", 1.0);
            avro.put("id", 3L);
            assertEquals(
                    wanted, trainer.predict(encoded(trainer, new GenericRecordAvroTypeInfo(schema), avro)).value(0), 1e-3f);
        }
    }

    @Test
    void nullIsWhatMayBeMissing() {
        try (Trainer trainer = Trainer.open(Path.of(Bundles.gaps()))) {
            Batch pojo = encoded(trainer, TypeInformation.of(Gaps.class), new Gaps());
            assertEquals(2110.5f, trainer.predict(pojo).value(0), 1e-3f);
            Gaps known = new Gaps();
            known.seats = 50;
            known.word = "a";
            assertEquals(2000.25f, trainer.predict(encoded(trainer, TypeInformation.of(Gaps.class), known)).value(0), 1e-3f);
            String[] names = {"seats", "word", "hour", "value"};
            InternalTypeInfo<RowData> type = InternalTypeInfo.ofFields(
                    new LogicalType[] {new IntType(), VarCharType.STRING_TYPE, new DoubleType(), new FloatType()}, names);
            RowData row = GenericRowData.of(null, StringData.fromString("b"), 3.0, null);
            assertEquals(3010.5f, trainer.predict(encoded(trainer, type, row)).value(0), 1e-3f);
            TypeInformation<Row> named = Types.ROW_NAMED(names, Types.INT, Types.STRING, Types.DOUBLE, Types.FLOAT);
            assertEquals(4100.25f, trainer.predict(encoded(trainer, named, Row.of(50, null, 4.0, 1f))).value(0), 1e-3f);
            assertThrows(InvalidInputException.class, () -> encoded(trainer, named, Row.of(50, "a", null, 1f)));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> FieldEncoder.learning(
                            trainer.schema(),
                            Types.ROW_NAMED(new String[] {"hour", "value"}, Types.DOUBLE, Types.FLOAT),
                            Fields.named()),
                    "a name that no record has may be a mistake");
        }
    }
}
