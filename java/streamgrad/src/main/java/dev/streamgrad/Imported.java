package dev.streamgrad;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.ObjLongConsumer;

/**
 * A record batch that a batch took over: the native side keeps it until this is closed or forgotten. For the thread of its batch.
 */
final class Imported {
    private final Handle handle;
    private final int rows;
    private final int unlabelled;
    private final long refused;

    /** Takes it over, with room for what its rows give. Without somebody to hear of refused rows, one is an error. */
    Imported(Schema schema, Call call, long array, long arrowSchema, ObjLongConsumer<? super String> hears) {
        ByteBuffer failure = Call.newError();
        byte[] answer = Native.importedOpen(schema.encoded(), array, arrowSchema, hears == null ? 1 : 0, failure);
        ByteBuffer told = Call.check(answer, failure);
        handle = new Handle(this, "record batch", told.getLong(), Native::importedClose);
        rows = told.getInt();
        unlabelled = told.getInt();
        refused = told.getLong();
        boolean whole = false;
        try {
            call.reserve(rows);
            for (int n = told.getInt(); n > 0; n--) {
                long row = told.getLong();
                byte[] reason = new byte[told.getInt()];
                told.get(reason);
                hears.accept(new String(reason, StandardCharsets.UTF_8), row);
            }
            whole = true;
        } finally {
            if (!whole) {
                close();
            }
        }
    }

    /** Its batch is lent to one call at a time, so none is in flight when it is closed. */
    long handle() {
        return handle.value();
    }

    int rows() {
        return rows;
    }

    int unlabelled() {
        return unlabelled;
    }

    long refused() {
        return refused;
    }

    void close() {
        handle.close();
    }
}
