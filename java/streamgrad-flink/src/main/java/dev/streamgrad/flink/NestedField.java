package dev.streamgrad.flink;

import dev.streamgrad.Field;
import dev.streamgrad.Row;
import java.util.function.Function;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** A field of a record within a record: {@code plane.seats}. Where there is no plane there are no seats. Immutable. */
final class NestedField implements RecordField {
    private final Function<Object, Object> parent;
    private final RecordField field;

    private NestedField(Function<Object, Object> parent, RecordField field) {
        this.parent = parent;
        this.field = field;
    }

    /** A record within a record: how it is taken out, and its fields. */
    static final class Inner {
        private final Function<Object, Object> get;
        private final RecordFields fields;

        Inner(Function<Object, Object> get, RecordFields fields) {
            this.get = get;
            this.fields = fields;
        }

        /** Of a field with values of this type, or null if these are no records. */
        static Inner of(ValueType values, TypeInformation<?> type, Function<Object, Object> get) {
            return values.kind() == ValueType.Kind.OTHER && !values.isArray()
                    ? new Inner(get, RecordFields.of(type, Fields.named()))
                    : null;
        }
    }

    /** The field of this name, or of this path where no field has the name; null if there is none. */
    static RecordField find(RecordFields fields, String name) {
        RecordField field = fields.field(name);
        for (int dot = name.indexOf('.'); field == null && dot > 0; dot = name.indexOf('.', dot + 1)) {
            Inner inner = fields.inner(name.substring(0, dot));
            RecordField found = inner == null ? null : find(inner.fields, name.substring(dot + 1));
            field = found == null ? null : new NestedField(inner.get, found);
        }
        return field;
    }

    @Override
    public ValueType type() {
        return field.type();
    }

    @Override
    public FieldReader reader(Field target) {
        FieldReader reader = field.reader(target);
        return new FieldReader() {
            @Override
            public void copy(Object record, Row row, int index) {
                Object inner = parent.apply(record);
                if (inner == null) {
                    row.set(index, (Object) null);
                } else {
                    reader.copy(inner, row, index);
                }
            }

            @Override
            public boolean isNull(Object record) {
                Object inner = parent.apply(record);
                return inner == null || reader.isNull(inner);
            }
        };
    }

    @Override
    public TypeInformation<?> information() {
        return field.information();
    }

    @Override
    public Object get(Object record) {
        Object inner = parent.apply(record);
        return inner == null ? null : field.get(inner);
    }
}
