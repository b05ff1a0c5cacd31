package dev.streamgrad.flink.bench;

import java.util.Locale;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** The record of the benchmarks: what the small model, 13-32-32-3, learns from. */
public final class Numbers {
    static final TypeInformation<Numbers> TYPE = TypeInformation.of(Numbers.class);

    public float[] numbers = new float[13];
    public long label;
    /** When it was made, {@code System.nanoTime}. */
    public long born;

    public Numbers() {}

    static Numbers of(long index) {
        Numbers record = new Numbers();
        for (int i = 0; i < record.numbers.length; i++) {
            record.numbers[i] = ((index * 13 + i) * 7919 + 13) % 1000 / 1000f - 0.5f;
        }
        record.label = index * 31 % 3;
        record.born = System.nanoTime();
        return record;
    }

    /** One result as a line of JSON. */
    public static void print(String name, double value, String unit, String goal) {
        System.out.println(String.format(
                Locale.ROOT,
                "{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", \"goal\": %s}",
                name,
                value,
                unit,
                goal == null ? "null" : "\"" + goal + "\""));
    }
}
