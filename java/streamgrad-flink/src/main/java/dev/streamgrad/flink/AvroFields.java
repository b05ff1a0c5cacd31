package dev.streamgrad.flink;

import java.util.List;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** The fields of an Avro record, generic or of a generated class, by the names in its schema. */
final class AvroFields implements RecordFields {
    private final Schema schema;

    private AvroFields(Schema schema) {
        this.schema = schema;
    }

    static AvroFields of(TypeInformation<?> type) {
        Class<?> record = type.getTypeClass();
        if (SpecificRecord.class.isAssignableFrom(record) && !record.isInterface()) {
            return new AvroFields(SpecificData.get().getSchema(record));
        }
        // Only its serializer gives a generic record's schema away.
        Object empty = type.createSerializer(new SerializerConfigImpl()).createInstance();
        if (!(empty instanceof IndexedRecord)) {
            throw new IllegalArgumentException("map record: a generic record does not know its schema before it comes, give the"
                    + " stream the type new GenericRecordAvroTypeInfo(schema), or give an encoder: the type is " + type);
        }
        return new AvroFields(((IndexedRecord) empty).getSchema());
    }

    @Override
    public List<String> names() {
        return schema.getFields().stream().map(Schema.Field::name).collect(Collectors.toUnmodifiableList());
    }

    @Override
    public RecordField field(String name) {
        Schema.Field field = schema.getField(name);
        if (field == null) {
            return null;
        }
        int at = field.pos();
        AvroType type = AvroType.of(field.schema());
        return new ObjectField(
                type.values(), type.information(), record -> type.java(((IndexedRecord) record).get(at)));
    }

    @Override
    public NestedField.Inner inner(String name) {
        Schema.Field field = schema.getField(name);
        Schema inner = field == null ? null : AvroType.present(field.schema());
        return inner == null || inner.getType() != Schema.Type.RECORD
                ? null
                : new NestedField.Inner(record -> ((IndexedRecord) record).get(field.pos()), new AvroFields(inner));
    }
}
