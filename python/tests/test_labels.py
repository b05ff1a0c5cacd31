import keras
import numpy as np


def test_a_label_of_several_fields(export):
    model = keras.Sequential([keras.Input((2,), name="x"), keras.layers.Dense(2, name="size")])
    label = export(model, label=["width", "height"])["labels"][0]
    assert (label["name"], label["fields"], label["shape"]) == ("label", ["width", "height"], [2])


def test_several_outputs_need_a_label_each(refused):
    x = keras.Input((2,), name="x")
    model = keras.Model(x, {"a": keras.layers.Dense(1)(x), "b": keras.layers.Dense(1)(x)})
    assert "dict by output" in refused(model)
    assert "name the field" in refused(model, label=None)
    assert "lacks the field of ['b']" in refused(model, label={"a": "f"})
    assert "['c']" in refused(model, label={"a": "f", "b": "g", "c": "h"})


def test_an_output_without_loss_has_no_label(export):
    x = keras.Input((2,), name="x")
    model = keras.Model(x, {"a": keras.layers.Dense(1)(x), "b": keras.layers.Activation("tanh")(x)})
    manifest = export(model, loss={"a": "mse"}, label="f")
    assert [entry["output"] for entry in manifest["labels"]] == ["a"]
    assert [entry["name"] for entry in manifest["outputs"]] == ["a", "b"]


def test_a_loss_of_ones_own_takes_labels_from_the_example(export, linear):
    def quantile(y_true, y_pred):
        y = keras.ops.cast(y_true, "float32")[:, :1]
        return keras.ops.mean(keras.ops.maximum(0.9 * (y - y_pred), 0.1 * (y_pred - y)), -1)

    assert export(linear, loss=quantile)["labels"][0]["shape"] == [1]
    example = (np.ones((2, 2)), np.ones((2, 3), "int32"))
    label = export(linear, loss=quantile, example=example)["labels"][0]
    assert (label["dtype"], label["shape"], label["range"]) == ("int32", [3], None)
