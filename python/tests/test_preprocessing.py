import keras
import numpy as np
import pytest

from streamgrad import field

layers = keras.layers


def of_words(*between, shape=(), dtype="string"):
    """A model of one input `word`, these layers and a number."""
    x = word = keras.Input(shape, dtype=dtype, name="word")
    for layer in between:
        x = layer(x)
    x = layers.Embedding(30, 4, name="rows")(x) if x.dtype != "float32" else x
    return keras.Model(word, layers.Dense(1, name="y")(layers.Flatten()(x)))


@pytest.mark.parametrize(
    ("layer", "steps"),
    [
        (layers.StringLookup(vocabulary=["a", "b"]), [{"kind": "vocabulary", "tokens": ["a", "b"], "oov": 1}]),
        (
            layers.StringLookup(vocabulary=["a", "b"], num_oov_indices=3, mask_token=""),
            [{"kind": "vocabulary", "tokens": ["a", "b"], "oov": 3, "mask": ""}],
        ),
        (
            layers.StringLookup(vocabulary=["a"], output_mode="one_hot"),
            [{"kind": "vocabulary", "tokens": ["a"], "oov": 1}, {"kind": "one_hot", "depth": 2}],
        ),
    ],
    ids=["lookup", "mask", "one_hot"],
)
def test_a_layer_behind_an_input_becomes_a_transform(layer, steps, export):
    manifest = export(of_words(layer), features="carrier")
    [feature] = manifest["features"]
    assert feature["transform"] == {"of": ["word"], "steps": steps}
    assert feature["dtype"] == ("float32" if len(steps) > 1 else "int64")
    assert manifest["record"] == [{"name": "word", "dtype": "string", "shape": [], "fields": ["carrier"]}]


def test_integers_too(export):
    manifest = export(
        of_words(layers.IntegerLookup(vocabulary=[5, 7]), shape=(3,), dtype="int32"), features=["a", "b", "c"]
    )
    assert manifest["features"][0]["transform"]["steps"] == [{"kind": "vocabulary", "tokens": [5, 7], "oov": 1}]
    assert manifest["record"][0]["fields"] == ["a", "b", "c"]


def test_a_field_is_transformed_before_its_layer(export):
    manifest = export(of_words(layers.StringLookup(vocabulary=["a"])), features=field("word", default="b"))
    steps = [step["kind"] for step in manifest["features"][0]["transform"]["steps"]]
    assert steps == ["default", "vocabulary"]


@pytest.mark.parametrize("layer", [layers.Hashing(20), layers.Hashing(20, salt=3)], ids=["plain", "salt"])
def test_a_hash_stays_in_the_graph(layer, export):
    assert "transform" not in export(of_words(layer))["features"][0]


def test_so_do_boundaries(export):
    model = of_words(layers.Discretization([0.1, 2.0]), shape=(3,), dtype="float32")
    assert "transform" not in export(model)["features"][0]


def test_normalization_stays_in_the_graph(export):
    normalization = layers.Normalization()
    normalization.adapt(np.arange(12, dtype="float32").reshape(6, 2))
    model = keras.Sequential([keras.Input((2,), name="numbers"), normalization, layers.Dense(1)])
    assert "transform" not in export(model)["features"][0]


def test_a_sequential_model_loses_its_first_layer(export):
    model = keras.Sequential(
        [
            keras.Input((), dtype="string", name="word"),
            layers.StringLookup(vocabulary=["a"], output_mode="one_hot"),
            layers.Dense(1),
        ]
    )
    assert export(model)["features"][0]["shape"] == [2]


def test_an_example_holds_what_the_model_takes(export):
    model = of_words(layers.StringLookup(vocabulary=["a", "b"], num_oov_indices=0))
    assert export(model, example=(np.array(["a", "b", "b"]), np.ones((3, 1))))


def test_an_example_that_the_layer_refuses(refused):
    model = of_words(layers.StringLookup(vocabulary=["a", "b"], num_oov_indices=0))
    assert "b'c' is not in the vocabulary" in refused(model, example=np.array(["a", "c"]))


def test_the_model_is_left_as_it_was(export):
    model = of_words(layers.StringLookup(vocabulary=["a", "b"]))
    before = [(layer.name, len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in model.layers]
    export(model)
    assert [(layer.name, len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in model.layers] == before
    assert model(np.array(["a", "x"])).shape == (2, 1)


def test_a_table_behind_several_readers_is_refused_as_before(refused):
    word = keras.Input((), dtype="string", name="word")
    lookup = layers.StringLookup(vocabulary=["a"], output_mode="one_hot")
    other = layers.StringLookup(vocabulary=["b"], output_mode="one_hot")
    model = keras.Model(word, layers.Dense(1)(layers.Concatenate()([lookup(word), other(word)])))
    assert "lookup table" in refused(model)
