package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Memory that stays what it is, in a JVM whose heap is fixed and touched from the start. */
class SoakTest {
    /** What allocators and the JIT may take without end being in sight. */
    private static final long SLACK = 24L << 20;

    @Test
    void memoryIsFlatOverThousandsOfSteps() throws Exception {
        soak(20_000, 50);
    }

    @Test
    @Tag("long")
    void memoryIsFlatOverAMillionSteps() throws Exception {
        soak(1_000_000, 1_000);
    }

    private static void soak(long steps, int trainers) throws Exception {
        List<String> options = List.of("-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC");
        String recording = Recording.folder().resolve("wide_deep-adagrad").toString();
        Child child = Child.run(options, Map.of(), "soak=" + recording + "," + steps + "," + trainers);
        Matcher soaked = Pattern.compile("soaked (\\d+) steps, added (-?\\d+) and (-?\\d+)").matcher(child.last());
        assertTrue(soaked.matches(), child.output);
        assertEquals(steps, Long.parseLong(soaked.group(1)));
        assertTrue(Long.parseLong(soaked.group(2)) < SLACK, "steps: " + child.last());
        assertTrue(Long.parseLong(soaked.group(3)) < SLACK, "trainers: " + child.last());
    }
}
