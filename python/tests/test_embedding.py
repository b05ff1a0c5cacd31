import keras
import numpy as np
import pytest
import tensorflow as tf

import streamgrad
from streamgrad.first_values import first_values
from streamgrad.layers import Embedding

IDS = np.array([[3, 1], [1, 9], [3, 3]], np.int64)
UNIFORM = {"kind": "uniform", "low": -0.05, "high": 0.05}


def ragged(rows, dtype):
    return tf.ragged.constant(rows, dtype=dtype, ragged_rank=1)


def test_rows_begin_as_in_rust_and_stay_the_id_s_own():
    table = Embedding("item", 5, seed=7)
    rows = table(IDS, training=True).numpy()
    assert np.array_equal(rows.reshape(6, 5), first_values(UNIFORM, 7, IDS.ravel().astype(np.uint64), 5))
    assert np.array_equal(table(IDS[::-1]).numpy(), rows[::-1])
    ids, kept = table.table()
    assert ids.tolist() == [3, 1, 9]
    assert np.array_equal(kept, table.rows_of([3, 1, 9]))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_ids_are_of_any_integer_type(dtype):
    table = Embedding("item", 2)
    bounds = np.iinfo(dtype)
    values = np.array([bounds.min, bounds.max, 7], dtype)
    table(tf.constant(values), training=True)
    assert table.table()[0].tolist() == [int(value) % 2**64 for value in values.tolist()]


def test_strings_are_their_fingerprints():
    table = Embedding("word", 2)
    words = ["", "N14228", "Zürich", "x" * 200]
    table(tf.constant(words), training=True)
    ids = table.table()[0]
    assert np.array_equal(ids, tf.fingerprint(words).numpy().view(np.uint64).ravel())
    assert np.array_equal(ids, streamgrad.fingerprint64(words))
    assert streamgrad.fingerprint64([[b"a", b"b"]]).shape == (1, 2)
    assert np.array_equal(table.rows_of(words), table(tf.constant(words)).numpy())


def test_inference_assigns_nothing_and_gives_the_default_row():
    table = Embedding("item", 2, default_row=[1, -2])
    table(tf.constant([5]), training=True)
    rows = table(tf.constant([6, 5])).numpy()
    assert rows[0].tolist() == [1, -2]
    assert np.array_equal(rows[1], table.rows_of([5])[0])
    assert table.table()[0].tolist() == [5]
    assert np.array_equal(Embedding("other", 2)(tf.constant([6])).numpy(), np.zeros((1, 2)))


def sparse(rows, values):
    indices = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    return tf.SparseTensor(indices, values, (len(rows), max(map(len, rows))))


@pytest.mark.parametrize("combiner", ["sum", "mean", "sqrtn"])
@pytest.mark.parametrize("weighted", [False, True])
def test_combines_as_embedding_lookup_sparse(combiner, weighted):
    rows = [[4, 2, 4], [], [1], [2, 2], []]
    weights = [[0.5, 2.0, -1.0], [], [0.0], [1.5, 0.25], []]
    table = Embedding("item", 3, combiner=combiner, initializer=keras.initializers.RandomNormal(0.0, 1.0))
    ids, of_ids = ragged(rows, tf.int64), ragged(weights, tf.float32) if weighted else None
    with tf.GradientTape() as tape:
        ours = table(ids, weights=of_ids, training=True)
        loss = tf.reduce_sum(ours * ours)
    moved = tf.convert_to_tensor(tape.gradient(loss, table.rows.value)).numpy()
    order = {id_: place for place, id_ in enumerate(table.table()[0].tolist())}
    params = tf.Variable(table.table()[1])
    with tf.GradientTape() as tape:
        theirs = tf.nn.embedding_lookup_sparse(
            params,
            sparse(rows, [order[one] for row in rows for one in row]),
            sparse(rows, [one for row in weights for one in row]) if weighted else None,
            combiner=combiner,
        )
        loss = tf.reduce_sum(theirs * theirs)
    assert ours.shape == (5, 3)
    # TensorFlow leaves out the last rows, for which there is no id.
    assert np.allclose(ours[: len(theirs)], theirs, rtol=1e-6, atol=1e-7)
    assert np.array_equal(ours[len(theirs) :], np.zeros((5 - len(theirs), 3)))
    assert np.allclose(moved[:3], tf.convert_to_tensor(tape.gradient(loss, params)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("combiner", ["sum", "mean", "sqrtn"])
@pytest.mark.parametrize("weights", [None, [[0.5, 2.0], [1.0, 1.0], [0.0, 0.0]]])
def test_fixed_lengths_combine_as_ragged_ones_do(combiner, weights):
    table = Embedding("item", 3, combiner=combiner)
    fixed = table(tf.constant(IDS), weights=None if weights is None else tf.constant(weights), training=True)
    same = table(tf.RaggedTensor.from_tensor(IDS), weights=None if weights is None else ragged(weights, tf.float32))
    assert np.allclose(fixed, same, rtol=1e-6, atol=1e-8)
    assert np.all(np.isfinite(fixed))


def test_learned_weights_of_no_size_have_a_finite_gradient():
    table = Embedding("item", 3, combiner="sqrtn")
    weights = tf.Variable([[0.0, 0.0], [1.0, 0.0]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(table(tf.constant(IDS[:2]), weights=weights, training=True))
    assert np.all(np.isfinite(tape.gradient(loss, weights)))


def test_without_a_combiner_ragged_stays_ragged():
    table = Embedding("item", 3)
    rows = table(ragged([[1, 2], [], [3]], tf.int32), training=True)
    assert isinstance(rows, tf.RaggedTensor)
    assert np.array_equal(rows.values, table.rows_of([1, 2, 3]))
    assert rows.row_lengths().numpy().tolist() == [2, 0, 1]


def test_padding_is_masked_as_keras_masks_it():
    ids = tf.constant([[1, 0], [0, 0]])
    ours, theirs = Embedding("item", 3, mask_zero=True), keras.layers.Embedding(4, 3, mask_zero=True)
    assert np.array_equal(ours(ids)._keras_mask, theirs(ids)._keras_mask)
    assert np.array_equal(ours.compute_mask(tf.constant([["a", ""]])), [[True, False]])
    assert Embedding("other", 3).compute_mask(ids) is None


def test_padding_counts_nothing_in_a_combiner():
    for empty, ids in ((0, tf.constant([[5, 0, 6], [0, 0, 0]])), ("", tf.constant([["a", "", "b"], ["", "", ""]]))):
        table = Embedding(f"of_{ids.dtype.name}", 3, combiner="mean", mask_zero=True)
        rows = table(ids, training=True).numpy()
        assert np.allclose(rows[0], table.rows_of([one for one in ids[0].numpy().tolist() if one != empty and one != b""]).mean(0))
        assert np.array_equal(rows[1], np.zeros(3))
        assert np.allclose(table(tf.RaggedTensor.from_tensor(ids)), rows)


def model(table, **compiled):
    ids = keras.Input((2,), dtype="int64", name="ids")
    late = keras.layers.Dense(1, name="late")(keras.layers.Flatten()(table(ids)))
    built = keras.Model(ids, late)
    built.compile(**{"optimizer": "sgd", "loss": "mse", **compiled})
    return built


def test_learns_in_keras_as_keras_own_embedding():
    ours, theirs = Embedding("item", 3, capacity=20), keras.layers.Embedding(20, 3, name="dense")
    models = [model(ours, optimizer=keras.optimizers.SGD(0.1)), model(theirs, optimizer=keras.optimizers.SGD(0.1))]
    random = np.random.default_rng(0)
    x, y = random.integers(0, 20, (320, 2)), random.normal(size=(320, 1))
    theirs.set_weights([ours.rows_of(np.arange(20))])
    models[1].get_layer("late").set_weights(models[0].get_layer("late").get_weights())
    first, second = (one.fit(x, y, epochs=3, batch_size=32, shuffle=False, verbose=0).history["loss"] for one in models)
    assert np.allclose(first, second, rtol=1e-5)
    assert first[-1] < first[0]
    assert np.allclose(ours.rows_of(np.arange(20)), theirs.get_weights()[0], atol=1e-6)
    assert np.allclose(models[0].evaluate(x, y, verbose=0), models[1].evaluate(x, y, verbose=0), rtol=1e-5)
    assert np.allclose(models[0].predict(x, verbose=0), models[1].predict(x, verbose=0), atol=1e-6)
    assert not np.allclose(ours.rows_of([3]), first_values(UNIFORM, 0, np.array([3], np.uint64), 3))


def test_too_many_ids_are_an_error_that_says_what_to_do():
    table = Embedding("item", 2, capacity=3)
    built = model(table)
    built.fit(np.array([[1, 2]]), np.zeros((1, 1)), verbose=0)
    before = table.table()
    with pytest.raises(Exception, match=r"'item' has rows for 3 ids.*2 are used, and 2 new ids came.*larger `capacity`"):
        built.fit(np.array([[3, 4]]), np.zeros((1, 1)), verbose=0)
    assert all(np.array_equal(one, other) for one, other in zip(table.table(), before, strict=True))
    larger = Embedding("item", 2, capacity=9)
    larger.insert(*before)
    assert np.array_equal(larger.rows_of([1, 2, 3]), table.rows_of([1, 2, 3]))


def test_saves_ids_and_rows(tmp_path):
    table = Embedding("item", 2, capacity=10, optimizer=keras.optimizers.Ftrl(0.2), regularizer="l2", combiner="sum")
    ids = keras.Input((None,), dtype="string", ragged=True, name="ids")
    built = keras.Model(ids, keras.layers.Dense(1)(table(ids)))
    built.compile("adagrad", "mse")
    x = tf.ragged.constant([["a", "b"], [], ["c"]])
    built.fit(x, np.ones((3, 1)), epochs=2, verbose=0)
    built.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    other = loaded.get_layer("item")
    assert np.array_equal(built.predict(x, verbose=0), loaded.predict(x, verbose=0))
    assert all(np.array_equal(one, two) for one, two in zip(table.table(), other.table(), strict=True))
    assert other.get_config() == table.get_config()
    assert float(other.optimizer.learning_rate) == pytest.approx(0.2)
    loaded.fit(tf.ragged.constant([["d"], ["a"]]), np.ones((2, 1)), verbose=0)
    assert other.table()[0].tolist() == streamgrad.fingerprint64(["a", "b", "c", "d"]).tolist()


def test_follows_weights_that_others_set():
    first, second = Embedding("item", 2, capacity=4), Embedding("item", 2, capacity=4)
    first(tf.constant([1, 2]), training=True)
    second(tf.constant([8, 9]), training=True)
    second.set_weights(first.get_weights())
    assert second.table()[0].tolist() == [1, 2]
    assert np.array_equal(second(tf.constant([2, 1])), first(tf.constant([2, 1])))
    second(tf.constant([8]), training=True)
    assert second.table()[0].tolist() == [1, 2, 8]


def test_one_layer_on_several_inputs_shares_its_rows():
    table = Embedding("item", 2)
    one = table(tf.constant([4]), training=True)
    assert np.array_equal(one, table(tf.constant([[4]], tf.int8))[0])
    assert table.table()[0].size == 1


def test_regularizes_the_rows_that_a_call_reads():
    table = Embedding("item", 2, regularizer=keras.regularizers.L2(0.5))
    table(tf.constant([1, 2]), training=True)
    table(tf.constant([[2, 2]]), training=True)
    assert float(table.losses[0]) == pytest.approx(0.5 * np.sum(table.rows_of([2]) ** 2))
    table(tf.constant([77]))
    assert float(table.losses[0]) == 0


def test_a_mixed_policy_computes_in_its_dtype():
    table = Embedding("item", 2, dtype="mixed_bfloat16", combiner="sum")
    assert table(tf.constant(IDS), training=True).dtype == tf.bfloat16
    assert table.table()[1].dtype == np.float32


@pytest.mark.parametrize(
    ("given", "described"),
    [
        ("zeros", {"kind": "constant", "value": 0.0}),
        ("ones", {"kind": "constant", "value": 1.0}),
        (keras.initializers.Constant(0.25), {"kind": "constant", "value": 0.25}),
        ("uniform", UNIFORM),
        (keras.initializers.RandomUniform(-1, 2), {"kind": "uniform", "low": -1.0, "high": 2.0}),
        ("normal", {"kind": "normal", "mean": 0.0, "deviation": 0.05}),
        (keras.initializers.TruncatedNormal(1, 2), {"kind": "truncated_normal", "mean": 1.0, "deviation": 2.0}),
    ],
)
def test_keras_initializers_are_those_of_rust(given, described):
    assert Embedding("item", 2, initializer=given).spec["initializer"] == described


def test_settings_are_those_of_rust():
    assert Embedding("item", 2, admit_after=1).spec["admission"] == {"kind": "always"}
    every = Embedding(
        "item", 2, seed=2**64 - 1, default_row=[0.5, 1], admit_after=3, sketch_bytes=1 << 20, expire_after_steps=9,
        budget_bytes=1 << 30, evict="least_frequent",
    )  # fmt: skip
    assert every.spec == {
        "name": "item", "dim": 2, "seed": 2**64 - 1, "initializer": UNIFORM, "default_row": [0.5, 1.0],
        "admission": {"kind": "sightings", "sightings": 3, "sketch_bytes": 1 << 20},
        "expiry": {"kind": "steps", "steps": 9},
        "budget": {"bytes": 1 << 30, "evict": "least_frequent"},
    }  # fmt: skip
    by_chance = Embedding("item", 2, admit_probability=0.5, expire_after_seconds=60).spec
    assert by_chance["admission"] == {"kind": "probability", "probability": 0.5}
    assert by_chance["expiry"] == {"kind": "seconds", "seconds": 60}
    assert Embedding.from_config(every.get_config()).spec == every.spec


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dim": 0}, "`dim` is a whole number from 1 to 65536, not 0"),
        ({"capacity": 2.5}, "`capacity` is a whole number"),
        ({"seed": -1}, "`seed` is a whole number"),
        ({"combiner": "max"}, "`combiner` is one of None, 'sum', 'mean', 'sqrtn'"),
        ({"initializer": "glorot_uniform"}, "cannot begin its rows by GlorotUniform"),
        ({"initializer": keras.initializers.RandomUniform(seed=3)}, "its own seed"),
        ({"initializer": keras.initializers.RandomUniform(1, -1)}, "exchange them"),
        ({"initializer": keras.initializers.RandomNormal(stddev=-1)}, "negative deviation"),
        ({"initializer": keras.initializers.Constant(float("nan"))}, "not finite"),
        ({"default_row": [1.0]}, "`default_row` takes 2 finite numbers"),
        ({"admit_after": 300}, "`admit_after` is a whole number from 1 to 255"),
        ({"admit_after": 3, "sketch_bytes": 100}, "`sketch_bytes` is a whole number of at least 16384"),
        ({"admit_probability": 0.0}, "above 0 and at most 1"),
        ({"admit_after": 2, "admit_probability": 0.5}, "not both"),
        ({"expire_after_steps": 0}, "`expire_after_steps`"),
        ({"expire_after_steps": 1, "expire_after_seconds": 1}, "not both"),
        ({"budget_bytes": 0}, "`budget_bytes`"),
        ({"evict": "oldest"}, "`evict` is 'least_recent' or 'least_frequent'"),
        ({"name": ""}, "a table has a name"),
    ],
)
def test_settings_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError) as caught:
        Embedding(**{"name": "item", "dim": 2, **arguments})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Embedding("item", 2)(tf.constant([1.5])), "ids are integers or strings, not float32"),
        (lambda: Embedding("item", 2, combiner="sum")(tf.constant([1])), "leaves nothing to combine"),
        (lambda: Embedding("item", 2)(tf.constant([[1]]), weights=tf.constant([[1.0]])), "cannot take weights"),
        (
            lambda: Embedding("item", 2, combiner="sum")(tf.constant([[1, 2]]), weights=tf.constant([[1.0]])),
            "weights of the shape of its ids",
        ),
        (
            lambda: Embedding("item", 2, combiner="sum")(ragged([[1]], tf.int64), weights=tf.constant([[1.0]])),
            "ragged as they are",
        ),
        (
            lambda: Embedding("item", 2, combiner="sum")(
                ragged([[1], [2, 3]], tf.int64), weights=ragged([[1.0, 1.0], [2.0]], tf.float32)
            ),
            "as long as those of its ids",
        ),
        (lambda: Embedding("item", 2)(tf.ragged.constant([[[1], []]])), "ragged ids of shape [batch, (any)]"),
        (lambda: Embedding("item", 2).insert([1, 2], [[1.0, 2.0]]), "one row of 2 numbers for each of 2 ids"),
        (lambda: Embedding("item", 2).insert([1], [[1.0, np.inf]]), "not finite"),
        (lambda: Embedding("item", 2).insert([1, 1], np.zeros((2, 2))), "given twice"),
        (lambda: streamgrad.fingerprint64([1, 2]), "takes strings"),
    ],
)
def test_misuse_is_refused(call, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert message in str(caught.value)
