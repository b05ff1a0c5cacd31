package dev.streamgrad.flink;

import dev.streamgrad.Column;
import dev.streamgrad.Field;
import dev.streamgrad.flink.ValueType.Kind;

/** Whether a field of a record fits one of the model's: one rule for records of every kind. */
final class Fit {
    private Fit() {}

    /**
     * Refuses, when the job is built or starts, what could fill no row.
     *
     * @param name the field's in the record
     * @throws IllegalArgumentException with field, found type, needed type
     */
    static void check(Field field, String name, ValueType found) {
        if (fits(field, found)) {
            return;
        }
        String renamed = field.name().equals(name) ? "" : " (for the model's " + field + ")";
        throw new IllegalArgumentException("map record: the model needs " + needed(field) + " for " + field.column()
                + ", convert the record's field or give an encoder: " + name + renamed + " is " + found);
    }

    static boolean fits(Field field, ValueType found) {
        Column column = field.column();
        FlinkType type = FlinkType.of(column.dtype());
        if (!type.isFilledBy(found.kind())) {
            return false;
        } else if (found.kind() == Kind.ANY && !found.isArray()) {
            return true;
        }
        // Bytes are one string, or as many numbers.
        int depth = found.depth() + (found.kind() == Kind.BYTES && !type.isText() ? 1 : 0);
        if (depth > 1) {
            boolean whole = column.fields().size() == 1 && !column.ragged();
            return whole && depth == column.shape().length;
        }
        return depth == 1 || field.elements() == 1 && !type.isPair();
    }

    private static String needed(Field field) {
        FlinkType type = FlinkType.of(field.column().dtype());
        boolean text = type.isText();
        if (field.column().ragged()) {
            return "any number of " + (text ? "strings or bytes" : "numbers") + ", an array or list";
        } else if (type.isPair()) {
            return 2 * field.elements() + " values, a real and an imaginary part each, in an array or list,";
        } else if (field.elements() > 1) {
            return field.elements() + " " + (text ? "strings or bytes" : "values") + ", an array or list,";
        }
        return text ? "a string or bytes" : "a number";
    }
}
