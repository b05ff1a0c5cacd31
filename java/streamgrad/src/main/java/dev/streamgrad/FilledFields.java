package dev.streamgrad;

import java.util.Arrays;

/** Which fields the row has that is being added, and whether these are enough. For one thread at a time. */
final class FilledFields {
    private final Schema schema;
    private final RowMemory memory;
    /** Per field the stamp of the row that set it last: nothing to reset from row to row. */
    private final int[] filledAt;

    private int stamp;

    FilledFields(Schema schema, RowMemory memory) {
        this.schema = schema;
        this.memory = memory;
        this.filledAt = new int[schema.fields().size()];
    }

    /** A row begins, without any. */
    void begin() {
        if (++stamp == 0) { // after 2^32 rows: no old stamp may look like a new one
            Arrays.fill(filledAt, 0);
            stamp = 1;
        }
    }

    void mark(Field field) {
        filledAt[field.index()] = stamp;
    }

    void unmark(Field field) {
        filledAt[field.index()] = stamp - 1;
    }

    /** The row ends: fills in what may be missing, refuses it if it lacks more; whether it has labels and weight. */
    boolean end() {
        int labels = 0;
        int missing = -1;
        for (Field field : schema.fieldArray()) {
            boolean filled = filledAt[field.index()] == stamp;
            Column.Role role = field.column().role();
            if (role == Column.Role.FEATURE) {
                if (!filled && field.column().optional()) {
                    memory.miss(field);
                } else if (!filled) {
                    throw new InvalidInputException("add row: a feature needs a value, set field " + field);
                }
            } else if (filled) {
                labels += role == Column.Role.LABEL ? 1 : 0;
            } else if (missing < 0) {
                missing = field.index();
            }
        }
        if (labels > 0 && missing >= 0) {
            throw new InvalidInputException("add row: a row has all labels and the weight or no label, set field "
                    + schema.field(missing));
        }
        if (missing >= 0) {
            blank();
        }
        return missing < 0;
    }

    /** A row without label holds zeros there, not what an earlier row left behind. */
    private void blank() {
        for (int i = 0; i < schema.columns().size(); i++) {
            Column column = schema.columns().get(i);
            if (column.role() != Column.Role.FEATURE) {
                memory.blank(i, column);
            }
        }
    }
}
