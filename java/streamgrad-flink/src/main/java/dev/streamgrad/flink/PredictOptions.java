package dev.streamgrad.flink;

import dev.streamgrad.Predictor;
import dev.streamgrad.PredictorBuilder;
import dev.streamgrad.Row;
import dev.streamgrad.Schema;
import java.io.Serializable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** What the builders of functions that predict collect; travels with the job. */
final class PredictOptions<T> implements Serializable {
    private static final long serialVersionUID = 1L;

    /** The record's. */
    final TypeInformation<T> type;
    /** Null: numbered bundles. */
    BundleSource bundle;
    /** The folder of numbered bundles, or null. */
    final String numbered;
    /** The folder of snapshots to follow, or null. */
    String folder;
    /** The signature of a SavedModel, or null. */
    String signature;
    /** How often to look; null: the predictor's default. */
    Duration every;
    /** The name under which a learner shares its parameters, or null. */
    String sharedName;

    ModelOptions model = options -> {};
    /** Null: by the names of the record's fields. */
    Encoder<? super T> encoder;
    /** Where the record has the fields, without an encoder. */
    Fields fields = Fields.named();

    private PredictOptions(BundleSource bundle, String numbered, TypeInformation<T> type) {
        this.bundle = bundle;
        this.numbered = numbered;
        this.type = Objects.requireNonNull(type, "type");
    }

    static <T> PredictOptions<T> bundle(BundleSource bundle, TypeInformation<T> type) {
        return new PredictOptions<>(Objects.requireNonNull(bundle, "bundle"), null, type);
    }

    static <T> PredictOptions<T> numbered(String folder, TypeInformation<T> type) {
        return new PredictOptions<>(null, Objects.requireNonNull(folder, "folder"), type);
    }

    /** What holds for all options together. */
    void check() {
        if (numbered != null && (folder != null || sharedName != null) || folder != null && sharedName != null) {
            throw new IllegalArgumentException(
                    "predict: follow one of a folder of snapshots, numbered bundles, or a learner's shared parameters");
        }
    }

    void every(Duration interval) {
        if (Objects.requireNonNull(interval, "every").isNegative()) {
            throw new IllegalArgumentException("set every: give zero or more, not " + interval);
        }
        every = interval;
    }

    /** How records become rows of a model with this schema. */
    BiConsumer<T, Row> encoder(Schema schema) {
        fields.check(encoder);
        Encoder<? super T> chosen = encoder != null ? encoder : FieldEncoder.predicting(schema, type, fields);
        return chosen::encode;
    }

    /** Reads, where the job is built, what the model says of its records; of numbered bundles the highest. */
    BundleReader reader(StreamExecutionEnvironment env) {
        BundleSource source = numbered != null ? BundleSource.path(numbered) : bundle;
        return new BundleReader(source, env, folder -> {
            PredictorBuilder builder = numbered != null ? Predictor.numbered(folder) : Predictor.builder(folder);
            if (signature != null) {
                builder.signature(signature);
            }
            model.set(builder);
            return builder.schema();
        });
    }

    /** A predictor of this bundle in a local folder, or of the numbered ones if that is null. */
    Predictor open(Path local) {
        PredictorBuilder builder = local == null ? Predictor.numbered(Path.of(numbered)) : Predictor.builder(local);
        if (local != null && folder != null) {
            builder.follow(Path.of(folder));
        }
        if (signature != null) {
            builder.signature(signature);
        }
        if (every != null) {
            builder.every(every);
        }
        model.set(builder);
        return builder.open();
    }

    /** What is predicted by, for names. */
    @Override
    public String toString() {
        return numbered != null ? numbered : bundle.toString();
    }
}
