import keras
import numpy as np


def test_outputs_are_named_as_keras_names_them(export, classifier):
    assert [entry["name"] for entry in export(classifier(3))["outputs"]] == ["kind"]


def test_a_dict_of_outputs_keeps_its_keys(export):
    x = keras.Input((2,), name="x")
    model = keras.Model(x, {"b": keras.layers.Dense(1)(x), "a": keras.layers.Dense(2)(x)})
    manifest = export(model, loss="mse", label={"a": "first", "b": "second"})
    assert [(entry["name"], entry["shape"]) for entry in manifest["outputs"]] == [("a", [2]), ("b", [1])]
    assert {entry["output"]: entry["name"] for entry in manifest["labels"]} == {"a": "first", "b": "second"}


class Twins(keras.Model):
    """Two outputs without names."""

    def __init__(self):
        super().__init__()
        self.left, self.right = keras.layers.Dense(1), keras.layers.Dense(2)

    def call(self, x):
        return self.left(x), self.right(x)


def test_outputs_without_names_are_counted(export):
    manifest = export(Twins(), loss=["mse", "mae"], label={"output_0": "a", "output_1": "b"}, example=np.ones((2, 3)))
    assert [entry["name"] for entry in manifest["outputs"]] == ["output_0", "output_1"]
    assert manifest["loss"]["name"] == "mean_squared_error+mean_absolute_error"


def test_an_output_without_rows_is_refused(refused):
    x = keras.Input((2,), name="x")
    model = keras.Model(
        x, keras.layers.Lambda(lambda t: keras.ops.mean(t, 0), output_shape=(2,))(keras.layers.Dense(2)(x))
    )
    assert "one row for each" in refused(model, loss=lambda y, p: keras.ops.mean(p))


def test_a_layer_that_cannot_be_called_is_named(refused):
    class Broken(keras.layers.Layer):
        whole = True

        def call(self, x):
            if not self.whole:
                raise RuntimeError("no such road")
            return x

    broken = Broken(name="dead_end")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1), broken])
    broken.whole = False
    message = refused(model)
    assert "'dead_end' (Broken)" in message and "no such road" in message
