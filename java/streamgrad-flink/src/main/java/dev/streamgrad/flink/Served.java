package dev.streamgrad.flink;

import dev.streamgrad.VersionId;
import java.util.Objects;

/** What predicted: a version of the job's own model, or of a bundle that an update named. Immutable. */
final class Served {
    /** Null: the job's own. */
    final String bundle;

    final VersionId version;

    Served(String bundle, VersionId version) {
        this.bundle = bundle;
        this.version = version;
    }

    /** Reads what {@link #text} wrote. */
    static Served parse(String text) {
        int space = text.indexOf(' ');
        return space < 0
                ? new Served(null, VersionId.parse(text))
                : new Served(text.substring(space + 1), VersionId.parse(text.substring(0, space)));
    }

    /** As it is in a checkpoint. */
    String text() {
        return bundle == null ? version.toString() : version + " " + bundle;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Served
                && version.equals(((Served) other).version)
                && Objects.equals(bundle, ((Served) other).bundle);
    }

    @Override
    public int hashCode() {
        return version.hashCode();
    }

    /** For messages. */
    @Override
    public String toString() {
        return bundle == null ? "version " + version : "version " + version + " of " + bundle;
    }
}
