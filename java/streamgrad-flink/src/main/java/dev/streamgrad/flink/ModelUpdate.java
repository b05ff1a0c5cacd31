package dev.streamgrad.flink;

import dev.streamgrad.VersionId;
import java.util.Locale;
import java.util.Objects;
import org.apache.flink.api.common.typeinfo.TypeInfo;

/**
 * What a stream of updates tells those that predict: by which version, or by which bundle. Immutable, safe for use by
 * several threads; see {@link Predicting#updates}.
 */
@TypeInfo(ModelUpdateTypeInfo.Factory.class)
public final class ModelUpdate {
    /** In checkpoints by their number: new ones come last. */
    enum Kind {
        VERSION,
        BUNDLE,
        ROLLBACK,
        PIN,
        UNPIN
    }

    private final Kind kind;
    /** What VERSION and BUNDLE name; else empty. */
    private final String name;

    ModelUpdate(Kind kind, String name) {
        this.kind = kind;
        this.name = name;
    }

    /**
     * Predicts by this version of what the job itself names, and stays there until the next update.
     *
     * @param version one that the followed folder keeps, or the bundle's own values
     * @return the update
     */
    public static ModelUpdate version(VersionId version) {
        return version(Objects.requireNonNull(version, "version").toString());
    }

    /**
     * The same by its name as text: {@code 00000000000000ab-120}, or the number alone, as of a numbered bundle.
     *
     * @param version text that names no version is refused where the update arrives
     * @return the update
     */
    public static ModelUpdate version(String version) {
        return new ModelUpdate(Kind.VERSION, Objects.requireNonNull(version, "version"));
    }

    /**
     * Predicts by another bundle that takes and gives the same columns, by its own values, and stays there until the next
     * update.
     *
     * @param bundle what {@link BundleSource#of} takes, but for {@code ship:}
     * @return the update
     */
    public static ModelUpdate bundle(String bundle) {
        return new ModelUpdate(Kind.BUNDLE, Objects.requireNonNull(bundle, "bundle"));
    }

    /**
     * Goes back to what predicted before, and stays there; again, to what predicted before that.
     *
     * @return the update
     */
    public static ModelUpdate rollback() {
        return new ModelUpdate(Kind.ROLLBACK, "");
    }

    /**
     * Stays at the version that predicts where and when the update arrives.
     *
     * @return the update
     */
    public static ModelUpdate pin() {
        return new ModelUpdate(Kind.PIN, "");
    }

    /**
     * Predicts by what the job itself names and follows it again.
     *
     * @return the update
     */
    public static ModelUpdate unpin() {
        return new ModelUpdate(Kind.UNPIN, "");
    }

    Kind kind() {
        return kind;
    }

    String name() {
        return name;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ModelUpdate
                && kind == ((ModelUpdate) other).kind
                && name.equals(((ModelUpdate) other).name);
    }

    @Override
    public int hashCode() {
        return 31 * kind.name().hashCode() + name.hashCode();
    }

    /** The kind and what it names, for logs. */
    @Override
    public String toString() {
        String verb = kind.name().toLowerCase(Locale.ROOT);
        return name.isEmpty() ? verb : verb + " " + name;
    }
}
