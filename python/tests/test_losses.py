import functools

import keras
import numpy as np
import pytest


@pytest.mark.parametrize(
    ("loss", "classes", "label"),
    [
        ("binary_crossentropy", 1, ("float32", [1], [0, 1], "binary_classification")),
        (keras.losses.BinaryFocalCrossentropy(), 1, ("float32", [1], [0, 1], "binary_classification")),
        ("bce", 3, ("float32", [3], [0, 1], "other")),
        ("crossentropy", 1, ("float32", [1], [0, 1], "binary_classification")),
        ("crossentropy", 4, ("int64", [], [0, 3], "multiclass_classification")),
        ("sparse_categorical_crossentropy", 4, ("int64", [], [0, 3], "multiclass_classification")),
        (keras.losses.sparse_categorical_crossentropy, 4, ("int64", [], [0, 3], "multiclass_classification")),
        (keras.losses.SparseCategoricalCrossentropy(ignore_class=-1), 4, ("int64", [], [-1, 3], "multiclass_classification")),
        ("categorical_crossentropy", 4, ("float32", [4], [0, 1], "multiclass_classification")),
        (keras.losses.CategoricalCrossentropy, 4, ("float32", [4], [0, 1], "multiclass_classification")),
        ("hinge", 1, ("float32", [1], [-1, 1], "other")),
        ("kl_divergence", 4, ("float32", [4], [0, 1], "other")),
        ("mse", 2, ("float32", [2], None, "regression")),
        ("mean_absolute_percentage_error", 2, ("float32", [2], None, "regression")),
        ("poisson", 2, ("float32", [2], None, "regression")),
        (keras.losses.Huber(delta=2.0, reduction="sum"), 1, ("float32", [1], None, "regression")),
        ({"class_name": "MeanSquaredError", "config": {}}, 1, ("float32", [1], None, "regression")),
        (functools.partial(keras.losses.binary_crossentropy, from_logits=True), 1,
         ("float32", [1], [0, 1], "binary_classification")),
        (lambda y, p: keras.ops.mean(keras.ops.abs(y - p), -1), 2, ("float32", [2], None, "other")),
    ],
)  # fmt: skip
def test_a_loss_says_what_its_labels_are(loss, classes, label, export, classifier):
    manifest = export(classifier(classes, "sigmoid"), loss=loss)
    found = manifest["labels"][0]
    assert (found["dtype"], found["shape"], found["range"], manifest["task"]) == label


def test_a_loss_per_step_of_a_series(export):
    model = keras.Sequential([keras.Input((5, 2), name="x"), keras.layers.Dense(3, "softmax", name="kind")])
    label = export(model, loss="sparse_categorical_crossentropy")["labels"][0]
    assert (label["dtype"], label["shape"]) == ("int64", [5])


def test_masked_steps_do_not_count(export):
    model = keras.Sequential(
        [
            keras.Input((4,), dtype="int32", name="tokens"), keras.layers.Embedding(6, 3, mask_zero=True),
            keras.layers.GRU(4, return_sequences=True), keras.layers.Dense(6, name="next"),
        ]
    )  # fmt: skip
    assert export(model, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), sample_weight=False)


@pytest.mark.parametrize("reduction", ["sum", "mean_with_sample_weight"])
def test_reductions_with_weights(reduction, export, linear):
    assert export(linear, loss=keras.losses.MeanSquaredError(reduction=reduction), sample_weight=True)["weight"]


def test_a_loss_without_reduction_is_refused(refused, linear):
    assert "no reduction" in refused(linear, loss=keras.losses.MeanSquaredError(reduction=None))


def test_losses_that_do_not_fit_are_refused(refused, linear):
    assert "no Keras loss" in refused(linear, loss="mean_squared_terror")
    assert "no output has a loss" in refused(linear, loss=None)
    assert "named ['price']" in refused(linear, loss={"cost": "mse"})
    assert "2 losses are given for the 1 outputs" in refused(linear, loss=["mse", "mse"])


def test_a_loss_by_the_name_of_the_only_output(export, linear):
    assert export(linear, loss={"price": "mse"})["labels"][0]["output"] == "price"


def test_classes_need_a_last_axis(refused):
    model = keras.Sequential([keras.Input((2,), name="x"), keras.layers.Dense(1), keras.layers.Reshape(())])
    assert "classes on the last axis" in refused(model, loss="sparse_categorical_crossentropy")


def test_a_failed_trace_leaves_no_trace_in_the_names_of_later_layers(export, refused, linear):
    class Odd(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return keras.ops.square(y_pred)

    assert "scope name" in refused(linear, loss=Odd(name="<odd>"))
    assert (
        export(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="later")]))["parameters"][0]["name"]
        == "later/kernel"
    )


def test_integer_outputs_are_refused(refused):
    x = keras.Input((2,), name="x")
    model = keras.Model(x, keras.ops.cast(keras.layers.Dense(1)(x), "int32"))
    assert "int32" in refused(model, loss="mse")


def test_a_loss_that_is_not_finite_asks_for_rows(refused, linear):
    def wrong(y_true, y_pred):
        return keras.ops.mean(keras.ops.log(y_true - 100) * y_pred, -1)

    message = refused(linear, loss=wrong)
    assert "`example`" in message and "not finite" in message


def test_rows_of_the_user_are_used_where_none_can_be_made_up(export, linear):
    def high(y_true, y_pred):
        return keras.ops.mean(keras.ops.log(y_true - 100) * y_pred, -1)

    assert export(linear, loss=high, example=(np.ones((3, 2)), np.full((3, 1), 103.0)))
