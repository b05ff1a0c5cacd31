package dev.streamgrad.flink;

import java.io.Serializable;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/**
 * Where a record has the fields of a model: under their own names unless renamed, and needed unless a default is given.
 *
 * <pre>{@code
 * Fields.named().rename("hour", "dep_hour").orElse("wind", 0.0)
 * Fields.positions("hour", "distance", "seats", "wind", "late")   // of a tuple
 * }</pre>
 *
 * <p>A field of a record within the record has its path as its name: {@code rename("seats", "plane.seats")}, or no renaming where
 * the bundle calls it {@code plane.seats}. Where the inner record is null, so is the field.
 *
 * <p>What does not fit the bundle is an error when the job is built or starts. Immutable, safe for use by several threads,
 * serialised with the job.
 */
public final class Fields implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final Fields NAMED = new Fields(null, Map.of(), Map.of());

    /** Null: the record knows its names. */
    private final String[] positions;
    /** From the model's name to the record's. */
    private final Map<String, String> renamed;
    /** By the model's name. */
    private final Map<String, Serializable> defaults;

    private Fields(String[] positions, Map<String, String> renamed, Map<String, Serializable> defaults) {
        this.positions = positions;
        this.renamed = renamed;
        this.defaults = defaults;
    }

    /**
     * Every field under its own name.
     *
     * @return the mapping that holds where none is given
     */
    public static Fields named() {
        return NAMED;
    }

    /**
     * Names for the fields of a record that has none: a tuple, whose own are {@code f0}, {@code f1} and so on, or a
     * {@code Row}.
     *
     * @param names one for each position, in order
     * @return a mapping
     */
    public static Fields positions(String... names) {
        for (String name : Objects.requireNonNull(names, "names")) {
            Objects.requireNonNull(name, "name");
        }
        if (new HashSet<>(Arrays.asList(names)).size() < names.length) {
            throw new IllegalArgumentException("name positions: two have the same name: " + Arrays.toString(names));
        }
        return new Fields(names.clone(), Map.of(), Map.of());
    }

    /**
     * Takes a field from what the record calls otherwise.
     *
     * @param field the model's
     * @param name the record's, with a dot between the names of a record and of its field
     * @return a mapping
     */
    public Fields rename(String field, String name) {
        Map<String, String> more = new HashMap<>(renamed);
        more.put(Objects.requireNonNull(field, "field"), Objects.requireNonNull(name, "name"));
        return new Fields(positions, more, defaults);
    }

    /**
     * What a field holds where the record has null, or no such field. Given to a label or the weight, no record is without it.
     *
     * @param field the model's
     * @param value all of its values in an array or list, or one that stands for each of them; an empty array makes an empty
     *     row of a ragged feature
     * @return a mapping
     */
    public Fields orElse(String field, Serializable value) {
        Map<String, Serializable> more = new HashMap<>(defaults);
        more.put(Objects.requireNonNull(field, "field"), Objects.requireNonNull(value, "value"));
        return new Fields(positions, renamed, more);
    }

    /** The names of the positions, or null. */
    List<String> positions() {
        return positions == null ? null : List.of(positions);
    }

    /** The names of the positions, or else those that the type has. */
    List<String> names(List<String> own, TypeInformation<?> type) {
        if (positions == null) {
            return own;
        }
        if (positions.length != own.size()) {
            throw new IllegalArgumentException("map record: name each of the record's " + own.size() + " positions, not "
                    + Arrays.toString(positions) + ": " + type);
        }
        return List.of(positions);
    }

    /** What the record calls a field. */
    String source(String field) {
        return renamed.getOrDefault(field, field);
    }

    /** What stands for a field that a record has not, or null. */
    Serializable otherwise(String field) {
        return defaults.get(field);
    }

    /** An encoder of the caller's finds its fields itself. */
    void check(Encoder<?> encoder) {
        if (encoder != null && (positions != null || !mentioned().isEmpty())) {
            throw new IllegalArgumentException("map record: an encoder finds its fields itself, leave out fields(...) or encoder(...)");
        }
    }

    /** The names of the model that this speaks of. */
    List<String> mentioned() {
        HashSet<String> names = new HashSet<>(renamed.keySet());
        names.addAll(defaults.keySet());
        return List.copyOf(names);
    }
}
