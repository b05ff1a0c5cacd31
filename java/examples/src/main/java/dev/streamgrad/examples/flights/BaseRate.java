package dev.streamgrad.examples.flights;

import java.util.Arrays;

/**
 * The forecast to beat: the share of late flights among all that landed so far, whatever the flight. Used by one thread.
 */
final class BaseRate {
    /** The minutes in which flights landed, ascending, and how many landed, and were late, up to each. */
    private int[] minutes = new int[1 << 16];
    private int[] landed = new int[1 << 16];
    private int[] late = new int[1 << 16];
    private int size;

    /** Takes in a landing; no earlier one may follow. */
    void add(int minute, boolean isLate) {
        if (size == 0 || minutes[size - 1] < minute) {
            if (size == minutes.length) {
                minutes = Arrays.copyOf(minutes, 2 * size);
                landed = Arrays.copyOf(landed, 2 * size);
                late = Arrays.copyOf(late, 2 * size);
            }
            minutes[size] = minute;
            landed[size] = size == 0 ? 0 : landed[size - 1];
            late[size] = size == 0 ? 0 : late[size - 1];
            size++;
        }
        landed[size - 1]++;
        late[size - 1] += isLate ? 1 : 0;
    }

    /** The rate as it was known at a minute that is not later than the last landing: one half before the first one. */
    double at(int minute) {
        int found = Arrays.binarySearch(minutes, 0, size, minute);
        int before = (found < 0 ? -found - 1 : found) - 1;
        return before < 0 ? 0.5 : (late[before] + 1.0) / (landed[before] + 2.0);
    }
}
