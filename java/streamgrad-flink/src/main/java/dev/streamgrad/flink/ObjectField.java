package dev.streamgrad.flink;

import dev.streamgrad.Field;
import dev.streamgrad.Row;
import java.util.function.Function;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** A field whose values are objects: of a row, a tuple, a class. Immutable. */
final class ObjectField implements RecordField {
    private final ValueType type;
    private final TypeInformation<?> information;
    private final Function<Object, Object> get;

    ObjectField(ValueType type, TypeInformation<?> information, Function<Object, Object> get) {
        this.type = type;
        this.information = information;
        this.get = get;
    }

    @Override
    public ValueType type() {
        return type;
    }

    @Override
    public FieldReader reader(Field field) {
        Values values = Values.of(type, field);
        return new FieldReader() {
            @Override
            public void copy(Object record, Row row, int index) {
                row.set(index, values.plain(get.apply(record)));
            }

            @Override
            public boolean isNull(Object record) {
                return get.apply(record) == null;
            }
        };
    }

    @Override
    public TypeInformation<?> information() {
        return information;
    }

    @Override
    public Object get(Object record) {
        return get.apply(record);
    }
}
