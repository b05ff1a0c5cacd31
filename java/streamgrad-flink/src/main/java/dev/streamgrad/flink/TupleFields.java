package dev.streamgrad.flink;

import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.tuple.Tuple;
import org.apache.flink.api.java.typeutils.TupleTypeInfo;

/** The fields of a tuple: {@code f0}, {@code f1} and so on, unless {@link Fields#positions} gives them names. */
final class TupleFields implements RecordFields {
    private final TupleTypeInfo<?> type;
    private final List<String> names;

    private TupleFields(TupleTypeInfo<?> type, List<String> names) {
        this.type = type;
        this.names = names;
    }

    static RecordFields of(TypeInformation<?> type, Fields fields) {
        if (!(type instanceof TupleTypeInfo)) {
            throw new IllegalArgumentException("map record: a tuple needs Types.TUPLE(...), or a class of its own, for its"
                    + " fields' types to be known: the type is " + type);
        }
        TupleTypeInfo<?> tuple = (TupleTypeInfo<?>) type;
        return new TupleFields(tuple, fields.names(List.of(tuple.getFieldNames()), type));
    }

    @Override
    public List<String> names() {
        return names;
    }

    @Override
    public RecordField field(String name) {
        int at = names.indexOf(name);
        if (at < 0) {
            return null;
        }
        TypeInformation<?> value = type.getTypeAt(at);
        return new ObjectField(InfoTypes.of(value), value, record -> ((Tuple) record).getField(at));
    }

    @Override
    public NestedField.Inner inner(String name) {
        int at = names.indexOf(name);
        TypeInformation<?> value = at < 0 ? null : type.getTypeAt(at);
        return at < 0 ? null : NestedField.Inner.of(InfoTypes.of(value), value, record -> ((Tuple) record).getField(at));
    }
}
