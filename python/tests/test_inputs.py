import keras
import numpy as np
import pytest


def test_several_inputs_of_any_type_and_rank(export):
    inputs = {
        "flag": keras.Input((), dtype="bool", name="flag"),
        "byte": keras.Input((2, 2), dtype="uint8", name="byte"),
        "wide": keras.Input((3,), dtype="float64", name="wide"),
        "count": keras.Input((1,), dtype="int64", name="count"),
    }
    parts = [keras.layers.Flatten()(keras.ops.cast(keras.ops.reshape(x, (-1, n)), "float32"))
             for x, n in zip(inputs.values(), (1, 4, 3, 1), strict=True)]  # fmt: skip
    manifest = export(keras.Model(inputs, keras.layers.Dense(1, name="y")(keras.layers.Concatenate()(parts))))
    assert {entry["name"]: (entry["dtype"], entry["shape"]) for entry in manifest["features"]} == {
        "flag": ("bool", []), "byte": ("uint8", [2, 2]), "wide": ("float64", [3]), "count": ("int64", [1]),
    }  # fmt: skip
    assert {tuple(entry["fields"]) for entry in manifest["features"]} == {("flag",), ("byte",), ("wide",), ("count",)}


def test_a_dict_keeps_its_own_names(export):
    model = keras.Model(x := {"b": keras.Input((1,), name="other"), "a": keras.Input((1,))},
                        keras.layers.Dense(1, name="y")(keras.layers.Concatenate()(list(x.values()))))  # fmt: skip
    assert {entry["name"] for entry in export(model)["features"]} == {"a", "b"}


def test_an_input_without_a_name_is_called_input(export):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="y")])
    assert export(model)["features"][0]["name"] == "input"
    assert export(model, features={"speed": ["a", "b"]})["features"][0]["name"] == "speed"


def test_a_sequential_model_is_built_from_its_example(export, refused):
    def model():
        return keras.Sequential([keras.layers.Dense(1, name="y")])

    assert "no weights yet" in refused(model())
    assert export(model(), example=np.ones((3, 5)))["features"][0]["shape"] == [5]


def test_sizes_left_open_come_from_the_example(export, refused):
    def model():
        inputs = keras.Input((None,), dtype="int32", name="tokens")
        x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(9, 3)(inputs))
        return keras.Model(inputs, keras.layers.Dense(1, name="y")(x))

    assert "left open" in refused(model())
    assert export(model(), example=[[1, 2, 8, 0], [3, 3, 3, 3]])["features"][0]["shape"] == [4]


def test_a_batch_size_that_no_layer_needs_is_left_open(export, refused):
    model = keras.Sequential([keras.Input(batch_shape=(8, 2), name="x"), keras.layers.Dense(1)])
    assert export(model)["features"][0]["shape"] == [2]
    model = keras.Sequential(
        [keras.Input(batch_shape=(8, 4, 2)), keras.layers.GRU(3, stateful=True, name="stateful"), keras.layers.Dense(1)]
    )
    assert "stateful" in refused(model)


def test_a_sparse_input_is_refused(refused):
    model = keras.Sequential([keras.Input((4,), sparse=True, name="x"), keras.layers.Dense(1)])
    assert "sparse" in refused(model)


def test_features_name_inputs_of_the_model(refused, linear):
    assert "['other']" in refused(linear, features={"other": ["a", "b"]})
    assert "2 elements a row but 3 fields" in refused(linear, features=["a", "b", "c"])


class Pair(keras.Model):
    """Takes a list of two."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, inputs):
        left, right = inputs
        return self.dense(keras.ops.concatenate([left, right], -1))


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_subclassed_model_is_known_from_its_example(kind, export, refused):
    rows = [np.ones((2, 3), "float32"), np.ones((2, 1), "float64")]
    assert "`Input`" in refused(Pair())
    x = kind(rows) if kind is list else (kind(rows), np.ones((2, 1)))
    manifest = export(Pair(), example=x, features={"left": ["a", "b", "c"], "right": "d"})
    assert [(entry["name"], entry["shape"]) for entry in manifest["features"]] == [("left", [3]), ("right", [1])]
    assert {entry["dtype"] for entry in manifest["features"]} == {"float32"}
    assert [entry["name"] for entry in export(Pair(), example=x)["features"]] == ["input_0", "input_1"]
