package dev.streamgrad;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.ObjLongConsumer;

/**
 * A number of rows as columns, up to a capacity: filled row by row, learned or predicted in one call, cleared and
 * filled again.
 *
 * <p>For one thread at a time. Its memory is the JVM's own direct memory, freed by the garbage collector; a batch
 * outlives its trainer and serves every trainer and predictor that takes and gives the same columns. Instead of rows that are added
 * it can hold a record batch of Arrow, in the host's own memory: {@link #importArrow(long, long)}.
 */
public final class Batch {
    /** Of a batch whose event time was not given. The Rust side has the same. */
    static final long NO_EVENT_TIME = Long.MIN_VALUE;

    private final Schema schema;
    private final int capacity;
    private final Layout layout;
    private final ByteBuffer slab;
    private final Heap heap = new Heap();
    private final RowMemory memory;
    private final Call call;
    private final Row row;
    private final FilledFields filled;
    private final BitSet unlabelled = new BitSet();
    private final AtomicBoolean inUse = new AtomicBoolean();
    private int rows;
    /** The record batch that has the rows; else {@code null}. */
    private Imported imported;
    /** Where the last row's part of the heap begins; of an earlier row's, only {@link #clear} frees the memory. */
    private int lastHeap;

    private long eventTime = NO_EVENT_TIME;
    private boolean open;

    Batch(Schema schema, int capacity) {
        if (capacity < 1) {
            throw new InvalidInputException("make batch: the capacity has to be one row or more, not " + capacity);
        }
        this.schema = schema;
        this.capacity = capacity;
        this.layout = new Layout(schema.columns(), capacity);
        this.slab = Layout.allocate(layout.bytes());
        this.memory = new RowMemory(layout, slab, heap);
        this.row = new Row(this, memory);
        this.call = new Call(schema, capacity);
        this.filled = new FilledFields(schema, memory);
    }

    /**
     * Appends one row.
     *
     * <p>Every feature has to be set, unless it {@linkplain Column#optional may be missing}. Labels (and the weight) may be left out, all of them together; such a row can be
     * predicted but not learned.
     *
     * @param record sets the fields of the row it is given
     * @throws InvalidInputException if the batch is full, or the row is incomplete or wrong; then, as after anything
     *     else that {@code record} throws, the batch is as it was
     */
    public void add(Consumer<? super Row> record) {
        add(record, Consumer::accept);
    }

    /**
     * Appends one row, as {@link #add(Consumer)} does, without an object for each record.
     *
     * @param <T> the record's type
     * @param record what to encode
     * @param encoder sets the fields of the row from the record
     * @throws InvalidInputException if the batch is full, or the row is incomplete or wrong; then, as after anything
     *     else that {@code encoder} throws, the batch is as it was
     */
    public <T> void add(T record, BiConsumer<? super T, ? super Row> encoder) {
        begin();
        int mark = heap.size();
        boolean added = false;
        try {
            encoder.accept(record, row);
            unlabelled.set(rows, !filled.end());
            added = true;
        } finally {
            end(added, mark);
        }
    }

    private void begin() {
        idle();
        own();
        if (rows == capacity) {
            throw new InvalidInputException("add row: the batch is full, step and clear it first: capacity " + capacity);
        }
        memory.row(rows);
        filled.begin();
        open = true;
    }

    private void end(boolean added, int mark) {
        open = false;
        if (added) {
            rows++;
            lastHeap = mark;
        } else {
            heap.truncate(mark);
        }
    }

    /**
     * Takes the last row out again.
     *
     * @throws InvalidInputException if the batch is empty
     */
    public void removeLast() {
        idle();
        own();
        if (rows == 0) {
            throw new InvalidInputException("remove row: the batch is empty");
        }
        rows--;
        unlabelled.clear(rows);
        heap.truncate(lastHeap);
    }

    /**
     * Takes over a record batch by Arrow's C data interface, a struct array whose children are columns named as the fields: its rows
     * replace those of this batch, and the event time is cleared. As {@link #importArrow(long, long, ObjLongConsumer)}, but a row that is refused
     * is an error.
     *
     * @param array the address of a {@code struct ArrowArray}; of Arrow Java, {@code ArrowArray.memoryAddress()}
     * @param schema the address of its {@code struct ArrowSchema}
     * @throws InvalidInputException if a row or a column does not fit; the batch is as it was
     * @throws StreamgradException if an address is 0 or misaligned, or the library was built without Arrow
     */
    public void importArrow(long array, long schema) {
        take(array, schema, null);
    }

    /**
     * Takes over a record batch by Arrow's C data interface: its rows replace those of this batch, and the event time is cleared.
     *
     * <p>Columns that have the model's dtypes and no nulls stay where the host has them, and are neither copied nor serialised; if one has not,
     * or a row is refused, all are copied and converted as docs/records.md says. There may be more rows than the {@link #capacity}.
     *
     * <p>Both structures are moved from, as the interface has it: their {@code release} is null afterwards, on success and on
     * failure, but for an address that is 0 or misaligned and a library that was built without Arrow. The structures themselves stay the
     * caller's ({@code close()} of Arrow Java's objects frees them). The host's own release callback is called once, when the rows are let go: by
     * {@link #clear}, {@link #read}, the next import, or the garbage collector after the batch was forgotten; with Arrow Java, its allocator then
     * has the memory back. Until then the host must not write into the columns.
     *
     * <p>A batch that holds a record batch takes no other rows until it is cleared, and cannot be {@linkplain #write written}.
     *
     * @param array the address of a {@code struct ArrowArray}; of Arrow Java, {@code ArrowArray.memoryAddress()}
     * @param schema the address of its {@code struct ArrowSchema}
     * @param refused is told of the rows that lack a feature or have a value that does not fit, the first hundred of them: the reason and
     *     the number of the row, from 0. The others are in the batch.
     * @return how many rows were refused
     * @throws InvalidInputException if it lacks a column, or is no record batch; the batch is as it was
     * @throws StreamgradException if an address is 0 or misaligned, or the library was built without Arrow
     */
    public long importArrow(long array, long schema, ObjLongConsumer<? super String> refused) {
        return take(array, schema, Objects.requireNonNull(refused, "refused"));
    }

    private long take(long array, long arrowSchema, ObjLongConsumer<? super String> refused) {
        idle();
        Imported taken = new Imported(schema, call, array, arrowSchema, refused);
        clear();
        imported = taken;
        rows = taken.rows();
        return taken.refused();
    }

    /** Takes all rows out, and the event time; the memory stays, but for that of a record batch. */
    public void clear() {
        idle();
        if (imported != null) {
            imported.close();
            imported = null;
        }
        rows = 0;
        eventTime = NO_EVENT_TIME;
        lastHeap = 0;
        heap.truncate(0);
        unlabelled.clear();
    }

    /**
     * Says when the latest of these rows happened. Needed to learn where {@link Schema#needsEventTime} says so.
     *
     * @param milliseconds since 1970 began in UTC, not negative
     * @throws InvalidInputException if it is negative
     */
    public void eventTime(long milliseconds) {
        idle();
        if (milliseconds < 0) {
            throw new InvalidInputException("set event time: give milliseconds since 1970, not before: " + milliseconds);
        }
        eventTime = milliseconds;
    }

    /**
     * When the latest of these rows happened, in milliseconds since 1970.
     *
     * @return empty if it was not given since the last {@link #clear}
     */
    public OptionalLong eventTime() {
        return eventTime == NO_EVENT_TIME ? OptionalLong.empty() : OptionalLong.of(eventTime);
    }

    /**
     * Rows added since the last {@link #clear}, or those of the record batch.
     *
     * @return zero or more; rows that were added are at most {@link #capacity}
     */
    public int rows() {
        return rows;
    }

    /**
     * Rows that carry no label, and so can be predicted but not learned.
     *
     * @return from zero to {@link #rows}
     */
    public int unlabelledRows() {
        return imported == null ? unlabelled.cardinality() : imported.unlabelled();
    }

    /**
     * The most rows that can be added.
     *
     * @return one or more
     */
    public int capacity() {
        return capacity;
    }

    /**
     * What its rows look like.
     *
     * @return the schema of the trainer or predictor that made it
     */
    public Schema schema() {
        return schema;
    }

    /**
     * Writes the rows and the event time, so that {@link #read} brings them back in another batch, process or machine.
     *
     * @param out where to
     * @throws IOException if {@code out} does
     * @throws InvalidInputException if the rows are those of a record batch
     */
    public void write(DataOutput out) throws IOException {
        idle();
        own();
        SavedRows.write(this, unlabelled, out);
    }

    /**
     * Replaces rows and event time by those that {@link #write} wrote; if that fails, the batch is empty.
     *
     * @param in where from
     * @throws IOException if {@code in} does
     * @throws InvalidInputException if these are rows of another model, or more than this batch holds
     */
    public void read(DataInput in) throws IOException {
        clear();
        boolean whole = false;
        try {
            rows = SavedRows.read(this, unlabelled, in);
            whole = true;
        } finally {
            if (!whole) {
                clear();
            }
        }
    }

    /** A batch of so many labelled rows, which follow. */
    static Batch of(Schema schema, int rows, DataInput in) throws IOException {
        Batch batch = new Batch(schema, rows);
        SavedRows.readColumns(batch, rows, in);
        batch.rows = rows;
        return batch;
    }

    // What Row needs.

    ByteBuffer slab() {
        return slab;
    }

    RowMemory memory() {
        return memory;
    }

    /** The field at this index, with room for this many values, if it takes them and a row is being added. */
    Field place(int index, int values) {
        if (!open) {
            throw new InvalidInputException("set field: a row can be set only inside add");
        }
        Field field = schema.field(index);
        int parts = field.column().dtype().parts();
        if (field.column().ragged() ? values % parts != 0 : field.numbers() != values) {
            String taken = field.numbers() == 1 ? "one value" : field.numbers() + " values";
            throw new InvalidInputException("set field: it takes " + (field.column().ragged() ? "pairs of values" : taken)
                    + ", not " + values + ": " + field);
        }
        memory.begin(field, values / parts);
        return field;
    }

    void mark(Field field) {
        memory.end(field);
        filled.mark(field);
    }

    void unmark(Field field) {
        filled.unmark(field);
    }

    // What Trainer and Predictor need.

    /** Refuses rows that are not there, or are those of another model. */
    void check(Schema wanted, int fromRow, int count) {
        if (!schema.fits(wanted)) {
            throw new InvalidInputException("use batch: it was made for another model, with the schema " + schema);
        }
        if (rows == 0) {
            throw new InvalidInputException("use batch: it is empty, add a row first");
        }
        if (fromRow < 0 || count < 1 || count > rows - fromRow) {
            throw new InvalidInputException("use batch: it has " + rows + " rows, not " + count + " from row " + fromRow);
        }
    }

    /** The record batch that has the rows, or {@code null} if they are in the slab. */
    Imported imported() {
        return imported;
    }

    Layout layout() {
        return layout;
    }

    Heap heap() {
        return heap;
    }

    long eventTimeOrNone() {
        return eventTime;
    }

    Call call() {
        return call;
    }

    /** The first row without label, or -1. */
    int firstUnlabelled() {
        return unlabelled.nextSetBit(0);
    }

    /** Claims the memory for a native call, which reads it in place. */
    void lend() {
        idle();
        if (!inUse.compareAndSet(false, true)) {
            throw new InvalidInputException("use batch: another call is using it, give each thread a batch of its own");
        }
    }

    void giveBack() {
        inUse.set(false);
    }

    private void own() {
        if (imported != null) {
            throw new InvalidInputException("use batch: its rows are an imported record batch, clear it first");
        }
    }

    private void idle() {
        if (open) {
            throw new InvalidInputException("use batch: a row is being added, end that call of add first");
        }
        if (inUse.get()) {
            throw new InvalidInputException("use batch: another call is using it, give each thread a batch of its own");
        }
    }
}
