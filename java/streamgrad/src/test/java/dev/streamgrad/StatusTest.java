package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StatusTest {
    @Test
    void everyCodeHasItsException() throws IllegalAccessException {
        Map<String, Class<?>> expected = new HashMap<>();
        for (String name : new String[] {"INVALID_INPUT", "NULL_POINTER", "BUFFER_TOO_SMALL", "MISALIGNED"}) {
            expected.put(name, InvalidInputException.class);
        }
        expected.put("CLOSED", ClosedException.class);
        expected.put("INVALID_BUNDLE", BundleException.class);
        expected.put("REFUSED_GRAPH", BundleException.class);
        expected.put("INVALID_SNAPSHOT", SnapshotException.class);
        expected.put("LOCKED", LockedException.class);
        expected.put("TENSORFLOW_NOT_FOUND", TensorFlowException.class);
        expected.put("TENSORFLOW_CONFLICT", TensorFlowException.class);
        expected.put("TENSORFLOW", TensorFlowException.class);
        expected.put("NON_FINITE", NonFiniteException.class);
        expected.put("POISONED", PoisonedException.class);
        expected.put("OUTLIER", OutlierException.class);
        expected.put("PAUSED", PausedException.class);
        expected.put("STOPPED", StoppedException.class);
        int codes = 0;
        for (Field field : Status.class.getDeclaredFields()) {
            if (!field.isSynthetic() && field.getInt(null) != Status.OK) {
                StreamgradException e = StreamgradException.of(field.getInt(null), "why");
                assertEquals(expected.getOrDefault(field.getName(), StreamgradException.class), e.getClass());
                assertEquals(field.getInt(null), e.status());
                assertEquals("why", e.getMessage());
                codes++;
            }
        }
        assertEquals(20, codes);
    }

    @Test
    void anErrorBufferTellsStatusAndText() {
        ByteBuffer error = Call.newError();
        byte[] text = "step: ünicode".getBytes(StandardCharsets.UTF_8);
        error.putInt(Call.ERROR_STATUS, Status.NON_FINITE).putInt(Call.ERROR_LENGTH, text.length);
        for (int i = 0; i < text.length; i++) {
            error.put(Call.ERROR_TEXT + i, text[i]);
        }
        StreamgradException e = Call.failure(error);
        assertEquals(NonFiniteException.class, e.getClass());
        assertEquals("step: ünicode", e.getMessage());
    }
}
