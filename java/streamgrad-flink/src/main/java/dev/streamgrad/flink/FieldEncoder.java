package dev.streamgrad.flink;

import dev.streamgrad.Column;
import dev.streamgrad.Field;
import dev.streamgrad.Row;
import dev.streamgrad.Schema;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/**
 * Encodes records by the names of their fields, as the bundle's schema has them; the label of an {@link Example} is the
 * example's. Built when the job starts, where what cannot be mapped is an error at once. Used by one thread.
 */
final class FieldEncoder<T> implements Encoder<T> {
    private static final long serialVersionUID = 1L;

    private final Column.Role[] roles;
    private final FieldReader[] readers;
    private final List<Field> labels;
    /** Whether records are examples, which hold the record and bring the label. */
    private final boolean examples;

    private FieldEncoder(Column.Role[] roles, FieldReader[] readers, List<Field> labels, boolean examples) {
        this.roles = roles;
        this.readers = readers;
        this.labels = labels;
        this.examples = examples;
    }

    /** For records that are to be learned: labels and weight have to be among their fields. */
    static <T> FieldEncoder<T> learning(Schema schema, TypeInformation<T> type, Fields fields) {
        return of(schema, type, fields, true);
    }

    /** For records that are predicted only: labels and weight are not looked for. */
    static <T> FieldEncoder<T> predicting(Schema schema, TypeInformation<T> type, Fields fields) {
        return of(schema, type, fields, false);
    }

    private static <T> FieldEncoder<T> of(Schema schema, TypeInformation<T> type, Fields fields, boolean learning) {
        boolean examples = type instanceof ExampleTypeInfo;
        TypeInformation<?> record = examples ? ((ExampleTypeInfo<?>) type).record() : type;
        RecordFields found = RecordFields.of(record, fields);
        for (String name : fields.mentioned()) {
            if (!schema.hasField(name)) {
                throw new IllegalArgumentException("map record: Fields names what the bundle does not have, which has "
                        + schema.fields() + ": " + name);
            }
        }
        int count = schema.fields().size();
        Column.Role[] roles = new Column.Role[count];
        FieldReader[] readers = new FieldReader[count];
        List<Field> labels = new ArrayList<>();
        List<Field> missing = new ArrayList<>();
        for (Field field : schema.fields()) {
            Column.Role role = field.column().role();
            roles[field.index()] = role;
            if (role == Column.Role.LABEL && learning) {
                labels.add(field);
            }
            boolean fromRecord = role == Column.Role.FEATURE || learning && !(role == Column.Role.LABEL && examples);
            if (fromRecord) {
                readers[field.index()] = reader(field, found, fields);
                if (readers[field.index()] == null) {
                    missing.add(field);
                }
            }
        }
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException("map record: the bundle needs fields that the record does not have, name them"
                    + " as the bundle does, say where they are with Fields, or give an encoder"
                    + (missing.equals(labels) ? ", or take the label from awaitLabels" : "") + ": " + record + " has "
                    + found.names() + " but not " + missing);
        }
        return new FieldEncoder<>(roles, readers, labels, examples);
    }

    /** How a field is read, or null if neither the record nor a default has it. */
    private static FieldReader reader(Field field, RecordFields found, Fields fields) {
        String name = fields.source(field.name());
        RecordField source = NestedField.find(found, name);
        if (source != null) {
            Fit.check(field, name, source.type());
        }
        FieldReader reader = source == null ? null : source.reader(field);
        Serializable otherwise = fields.otherwise(field.name());
        return otherwise == null ? reader : new DefaultReader(reader, DefaultReader.value(field, otherwise));
    }

    @Override
    public boolean isLabelled(T record) {
        if (examples) {
            return ((Example<?>) record).isLabelled();
        }
        for (Field label : labels) {
            if (!readers[label.index()].isNull(record)) {
                return true; // with another one missing it is refused
            }
        }
        return false;
    }

    @Override
    public void encode(T record, Row row) {
        Object source = examples ? ((Example<?>) record).record() : record;
        boolean labelled = !labels.isEmpty() && isLabelled(record);
        for (int field = 0; field < readers.length; field++) {
            if (readers[field] != null && (labelled || roles[field] == Column.Role.FEATURE)) {
                readers[field].copy(source, row, field);
            }
        }
        if (labelled && examples) {
            setLabel(((Example<?>) record).label(), row);
        }
    }

    private void setLabel(Object label, Row row) {
        if (label instanceof Map) {
            Map<?, ?> values = (Map<?, ?>) label;
            for (Field field : labels) {
                row.set(field.index(), values.get(field.name()));
            }
            if (values.size() > labels.size()) {
                throw new IllegalArgumentException(
                        "the label has fields that are none of the model's " + labels + ": " + values.keySet());
            }
        } else if (labels.size() == 1) {
            row.set(labels.get(0).index(), label);
        } else {
            throw new IllegalArgumentException("the model has several label fields, give a map from them to values: "
                    + labels + " against " + Labels.text(label));
        }
    }
}
