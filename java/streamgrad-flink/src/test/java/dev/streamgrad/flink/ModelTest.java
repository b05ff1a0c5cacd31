package dev.streamgrad.flink;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.flink.configuration.MemorySize;
import org.junit.jupiter.api.Test;

/** What the learner says of a TaskManager's memory. */
final class ModelTest {
    @Test
    void tooLittlePlannedMemoryIsNamedWithWhatIsNeeded() {
        String shortfall = Model.shortfall(MemorySize.ZERO, 100L << 20);
        assertTrue(shortfall.contains("taskmanager.memory.task.off-heap.size is 0 bytes"), shortfall);
        assertTrue(shortfall.contains("set it to 550.000mb"), shortfall);
        assertNull(Model.shortfall(MemorySize.ofMebiBytes(550), 100L << 20));
    }
}
