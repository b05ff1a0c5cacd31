package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Locale;
import org.junit.jupiter.api.Test;

class VersionIdTest {
    @Test
    void aVersionHasOneWayToBeWritten() {
        VersionId version = VersionId.parse("f0000000000000ab-120");
        assertEquals(0xf0000000000000abL, version.lineage());
        assertEquals(120, version.number());
        assertEquals(version, VersionId.parse(version.toString()));
        assertEquals(version, VersionId.of(version.lineage(), version.number()));
        assertThrows(InvalidInputException.class, () -> VersionId.of(1, -1));
        assertEquals(version.hashCode(), VersionId.parse("f0000000000000ab-120").hashCode());
        assertNotEquals(version, VersionId.parse("f0000000000000ab-121"));
        assertNotEquals(version, VersionId.parse("f0000000000000ac-120"));
        for (String wrong : new String[] {
            "", "-", "ab-120", "f0000000000000AB-120", "f0000000000000ab-0120", "f0000000000000ab-+1",
            "f0000000000000ab-9223372036854775808", "f0000000000000ab-1/..", "f0000000000000ab-1\n"
        }) {
            assertThrows(InvalidInputException.class, () -> VersionId.parse(wrong), wrong);
        }
    }

    @Test
    void itIsWrittenTheSameEverywhere() {
        Locale before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
            assertEquals("00000000000000ab-120", VersionId.parse("00000000000000ab-120").toString());
        } finally {
            Locale.setDefault(before);
        }
    }
}
