package dev.streamgrad;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class SchemaTest {
    private static Schemas wide() {
        return new Schemas()
                .feature("numbers", "float32", new int[] {2}, "hour", "distance")
                .feature("image", "uint8", new int[] {2, 3}, "pixels")
                .label("late", "float32", 0, 1)
                .weight("weight")
                .output("probability", "float32", 1)
                .metric("auc", "auc");
    }

    @Test
    void columnsAndFieldsKeepTheirOrder() {
        Schema schema = wide().make();
        assertEquals("[hour, distance, pixels, late, weight]", schema.fields().toString());
        assertEquals("[numbers float32[2], image uint8[2,3]]", schema.features().toString());
        assertEquals("[late float32[1]]", schema.labels().toString());
        assertEquals("weight", schema.weight().orElseThrow().name());
        assertEquals(1, schema.fieldIndex("distance"));
        assertEquals(6, schema.fields().get(2).elements());
        assertEquals(1, schema.fields().get(1).elements());
        assertEquals(1.0, schema.labels().get(0).highest().orElseThrow());
        assertTrue(schema.features().get(0).highest().isEmpty());
        assertTrue(schema.hasField("late"));
        assertFalse(schema.hasField("late "));
        assertEquals(List.of("dense/kernel"), schema.parameters());
        assertArrayEquals(new int[] {4, 32}, schema.parameterShape(0));
    }

    @Test
    void aRaggedColumnIsAnotherColumn() {
        Schema ragged = new Schemas().ragged("ids", "int64").make();
        assertEquals("[ids int64[ragged]]", ragged.features().toString());
        assertEquals(1, ragged.features().get(0).elements());
        assertFalse(ragged.fits(new Schemas().feature("ids", "int64", new int[0], "ids").make()));
    }

    @Test
    void anUnknownFieldNamesTheKnownOnes() {
        InvalidInputException e =
                assertThrows(InvalidInputException.class, () -> wide().make().fieldIndex("minute"));
        assertTrue(e.getMessage().contains("[hour, distance, pixels, late, weight]"), e.getMessage());
        assertTrue(e.getMessage().endsWith("minute"), e.getMessage());
    }

    @Test
    void equalIfEveryPartIs() {
        assertEquals(wide().make(), wide().make());
        assertEquals(wide().make().hashCode(), wide().make().hashCode());
        assertNotEquals(wide().make(), wide().metric("mae", "mae").make());
        assertTrue(wide().make().fits(wide().metric("mae", "mae").make()), "to predict, metrics do not matter");
        assertFalse(wide().make().fits(new Schemas().output("p", "float32", 1).make()));
    }

    @Test
    void bytesOfAnotherBuildAreRefused() {
        StreamgradException e = assertThrows(StreamgradException.class, () -> new Schema(new byte[] {0, 0, 0, 1, 9}));
        assertEquals(Status.INTERNAL, e.status());
        e = assertThrows(
                StreamgradException.class,
                () -> new Schemas().feature("x", "qint8", new int[] {1}, "x").make());
        assertEquals(Status.UNSUPPORTED, e.status());
        assertTrue(e.getMessage().endsWith("qint8"), e.getMessage());
    }
}
