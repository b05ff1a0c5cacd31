package dev.streamgrad.flink;

import dev.streamgrad.Batch;
import dev.streamgrad.InvalidInputException;
import dev.streamgrad.Predictions;
import dev.streamgrad.Predictor;
import dev.streamgrad.Schema;
import dev.streamgrad.VersionId;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.apache.flink.api.common.functions.RuntimeContext;

/**
 * What a subtask predicts by as updates say, and what it predicted by before. An update that fails changes nothing. Used by
 * the task's thread.
 */
final class UpdatedModel implements AutoCloseable {
    /** How far a rollback can go back. */
    private static final int MOST_BEFORE = 64;
    /** Keys of the state: what an update said to stay at, what predicted last; from 0 on what did before, the oldest first. */
    private static final int HELD = -1;
    private static final int LAST = -2;

    private final PredictOptions<?> options;
    private final RuntimeContext context;
    private final Deque<Served> before = new ArrayDeque<>();
    private Serving serving;
    /** The bundle that an update named, or null. */
    private String bundle;
    /** What an update said to stay at, or null. */
    private Served held;
    /** What predicted last. */
    private Served last;

    private UpdatedModel(PredictOptions<?> options, RuntimeContext context) {
        this.options = options;
        this.context = context;
    }

    /** Begins with what the options say. */
    static UpdatedModel open(PredictOptions<?> options, RuntimeContext context) throws Exception {
        UpdatedModel model = new UpdatedModel(options, context);
        model.serving = Serving.open(options, context);
        model.last = new Served(null, model.predictor().version());
        return model;
    }

    Predictor predictor() {
        return serving.predictor();
    }

    Predictions predict(Batch batch) {
        Predictions predictions = predictor().predict(batch);
        if (!last.version.equals(predictions.versionId())) {
            moved(new Served(bundle, predictions.versionId()));
        }
        return predictions;
    }

    private void moved(Served next) {
        if (next.equals(last)) {
            return;
        }
        if (before.size() == MOST_BEFORE) {
            before.removeFirst();
        }
        before.addLast(last);
        last = next;
    }

    /** Does what an update says. */
    void apply(ModelUpdate update) throws Exception {
        switch (update.kind()) {
            case VERSION:
                VersionId version = reach(null, predictor -> pin(predictor, update.name()));
                hold(new Served(null, version));
                break;
            case BUNDLE:
                Serving named = open(update.name());
                replace(named, update.name());
                hold(new Served(bundle, predictor().pin()));
                break;
            case PIN:
                hold(new Served(bundle, predictor().pin()));
                break;
            case UNPIN:
                if (bundle == null) {
                    predictor().unpin();
                } else {
                    replace(open(null), null);
                    moved(new Served(null, predictor().version()));
                }
                held = null;
                break;
            case ROLLBACK:
                Served target = before.peekLast();
                if (target == null) {
                    throw new InvalidInputException(
                            "roll back: nothing predicted here before " + last + "; name a version or a bundle");
                }
                goTo(target);
                before.removeLast();
                break;
            default:
                throw new IllegalStateException("an update of another version of this library: " + update);
        }
    }

    private void hold(Served served) {
        moved(served);
        held = served;
    }

    /** Stays at what predicted once. */
    private void goTo(Served target) throws Exception {
        reach(target.bundle, predictor -> predictor.pin(target.version));
        held = target;
        last = target;
    }

    /** Predicts by a version of a bundle, or of the job's own model if that is null, once {@code pin} has found it there. */
    private VersionId reach(String wanted, Function<Predictor, VersionId> pin) throws Exception {
        if (Objects.equals(wanted, bundle)) {
            return pin.apply(predictor());
        }
        Serving other = open(wanted);
        VersionId version = null;
        try {
            version = pin.apply(other.predictor());
        } finally {
            if (version == null) {
                other.close();
            }
        }
        replace(other, wanted);
        return version;
    }

    private static VersionId pin(Predictor predictor, String name) {
        return name.matches("[0-9]{1,18}")
                ? predictor.pin(Long.parseLong(name))
                : predictor.pin(VersionId.parse(name));
    }

    /** A bundle that an update named, or what the options say; it takes the same columns. */
    private Serving open(String named) throws Exception {
        Serving other =
                named == null ? Serving.open(options, context) : Serving.of(options, BundleSource.of(named), context);
        Schema found = other.predictor().schema();
        if (!found.fits(predictor().schema())) {
            other.close();
            throw new InvalidInputException("predict: the bundle takes or gives other columns than the one that predicts, run a"
                    + " job of its own for it: " + named + " has " + found);
        }
        return other;
    }

    private void replace(Serving other, String named) {
        Serving old = serving;
        serving = other;
        bundle = named;
        old.close();
    }

    /** All that a checkpoint has to keep. */
    Map<Integer, String> state() {
        Map<Integer, String> state = new HashMap<>();
        if (held != null) {
            state.put(HELD, held.text());
        }
        state.put(LAST, last.text());
        int index = 0;
        for (Served served : before) {
            state.put(index++, served.text());
        }
        return state;
    }

    /**
     * Goes on from a checkpoint.
     *
     * @throws Exception if what it should stay at cannot be predicted by any more: what the options say predicts instead
     */
    void restore(Map<Integer, String> state) throws Exception {
        for (int index = 0; state.containsKey(index); index++) {
            before.addLast(Served.parse(state.get(index)));
        }
        Served current = last;
        last = Served.parse(state.get(LAST));
        if (state.containsKey(HELD)) {
            try {
                goTo(Served.parse(state.get(HELD)));
                return;
            } finally {
                if (held == null) {
                    moved(current);
                }
            }
        }
        moved(current);
    }

    /** The update that {@link #restore} failed to do again. */
    static ModelUpdate lost(Map<Integer, String> state) {
        Served held = Served.parse(state.get(HELD));
        return held.bundle == null ? ModelUpdate.version(held.version) : ModelUpdate.bundle(held.bundle);
    }

    @Override
    public void close() {
        serving.close();
    }
}
