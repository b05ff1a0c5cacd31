package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NativeLoaderTest {
    @ParameterizedTest
    @CsvSource({"Mac OS X, aarch64", "Windows 11, amd64", "Linux, aarch64"})
    void anotherPlatformIsRefused(String os, String arch) {
        StreamgradException e =
                assertThrows(StreamgradException.class, () -> NativeLoader.requirePlatform(os, arch));
        assertEquals(Status.UNSUPPORTED, e.status());
        assertTrue(e.getMessage().endsWith("not on " + os + " on " + arch), e.getMessage());
    }

    @Test
    void oursIsNot() {
        NativeLoader.requirePlatform("Linux", "amd64");
    }
}
