import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from models import OTHERS, PEERS
from safetensors.numpy import load_file

import streamgrad


@pytest.mark.parametrize("name", [*PEERS, *OTHERS])
def test_exports_every_kind_of_model(name, export):
    peer = (PEERS | OTHERS)[name]()
    before = [(variable, variable.numpy()) for variable in peer.model.variables]
    manifest = export(peer.model, loss=peer.loss, metrics=peer.metrics, label=peer.label, **peer.arguments)
    assert all(np.array_equal(variable.numpy(), value) for variable, value in before)
    assert not peer.model.compiled
    assert [entry["name"] for entry in manifest["features"]] == list(peer.rows(np.random.default_rng(0), 1)[0])
    weights = load_file(manifest["folder"] / "initial.safetensors")
    described = [entry for part in ("parameters", "state", "frozen") for entry in manifest[part]]
    assert {entry["name"]: (entry["dtype"], entry["shape"]) for entry in described} == {
        key: (str(value.dtype), list(value.shape)) for key, value in weights.items()
    }


def test_the_example_of_the_readme(export):
    model = keras.Sequential(
        [keras.Input((4,), name="numbers"), keras.layers.Dense(32, "relu"), keras.layers.Dense(1, "sigmoid", name="p")]
    )
    manifest = export(
        model,
        loss="binary_crossentropy",
        optimizer=keras.optimizers.Adagrad(0.05, initial_accumulator_value=0.001),
        metrics=["auc"],
        features={"numbers": ["hour", "distance", "seats", "wind"]},
        label="late",
    )
    assert manifest["task"] == "binary_classification"
    assert manifest["features"] == [
        {
            "name": "numbers", "dtype": "float32", "shape": [4], "fields": ["hour", "distance", "seats", "wind"],
            "tensor": "feature/numbers:0",
        }
    ]  # fmt: skip
    assert manifest["labels"] == [
        {
            "name": "late", "dtype": "float32", "shape": [1], "fields": ["late"], "tensor": "label/late:0", "output": "p",
            "range": [0, 1],
        }
    ]  # fmt: skip
    assert manifest["optimizer"]["rule"] == "adagrad"
    assert manifest["metrics"] == [{"kind": "auc", "name": "auc", "output": "p", "from_logits": False}]


def test_without_dropout_training_predicts_for_free(export, linear):
    output = export(linear)["outputs"][0]
    assert output["train"] == output["predict"]


def test_a_loop_predicts_apart_but_is_not_run_twice_in_training(export):
    output = export(PEERS["gru"]().model)["outputs"][0]
    assert (output["train"], output["predict"]) == ("train/next:0", "predict/next:0")


def test_with_dropout_the_training_run_predicts_beside(export):
    output = export(PEERS["cnn"]().model, loss="mse")["outputs"][0]
    assert output["train"] == output["predict"] == "predict/digit:0"


def test_batch_norm_that_does_not_train_is_frozen(export):
    norm = keras.layers.BatchNormalization(name="norm")
    norm.trainable = False
    model = keras.Sequential([keras.Input((3,), name="x"), norm, keras.layers.Dense(1, name="y")])
    manifest = export(model)
    assert manifest["state"] == []
    assert {entry["name"] for entry in manifest["frozen"]} == {
        "norm/gamma", "norm/beta", "norm/moving_mean", "norm/moving_variance",
    }  # fmt: skip


def test_state_has_its_kind(export):
    manifest = export(PEERS["cnn"]().model)
    assert {entry["name"]: entry["kind"] for entry in manifest["state"]} == {
        "norm/moving_mean": "statistic",
        "norm/moving_variance": "statistic",
        "dropout/seed": "seed",
    }


def test_one_layer_used_twice_gives_one_parameter(export):
    left, right = keras.Input((3,), name="left"), keras.Input((3,), name="right")
    shared = keras.layers.Dense(2, name="shared")
    model = keras.Model([left, right], keras.layers.Add(name="sum")([shared(left), shared(right)]))
    assert [entry["name"] for entry in export(model)["parameters"]] == ["shared/kernel", "shared/bias"]


def test_layers_of_one_name_get_names_of_their_own(export):
    left, right = keras.Input((3,), name="left"), keras.Input((3,), name="right")
    inner = [
        keras.Model(one, keras.layers.Dense(2, name="dense")(one), name=f"inner{i}")
        for i, one in enumerate((keras.Input((3,)), keras.Input((3,))))
    ]
    model = keras.Model([left, right], keras.layers.Add(name="sum")([inner[0](left), inner[1](right)]))
    names = [entry["name"] for entry in export(model)["parameters"]]
    assert len(set(names)) == len(names) == 4


def test_a_compiled_and_trained_model_stays_so(export, linear):
    linear.compile("adam", "mse", metrics=["mae"])
    x, y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
    linear.train_on_batch(x, y)
    steps, loss = int(linear.optimizer.iterations), linear._compile_loss
    weights = export(linear)["folder"] / "initial.safetensors"
    assert int(linear.optimizer.iterations) == steps
    assert linear._compile_loss is loss
    assert np.array_equal(load_file(weights)["price/kernel"], linear.layers[0].kernel.numpy())
    linear.train_on_batch(x, y)


def test_sample_weight_counts_in_the_loss(export, linear):
    manifest = export(linear, sample_weight="importance")
    assert manifest["weight"] == {
        "name": "importance", "dtype": "float32", "shape": [], "fields": ["importance"], "tensor": "weight/importance:0",
    }  # fmt: skip
    assert export(linear, sample_weight=True)["weight"]["name"] == "sample_weight"


def test_sample_weight_counts_for_every_output(export):
    peer = OTHERS["two_outputs"]()
    assert export(peer.model, loss=peer.loss, label=peer.label, sample_weight=True)["weight"]


def test_names_may_be_any_language(export):
    x = keras.Input((2,), name="zähler")
    model = keras.Model(x, {"größe": keras.layers.Dense(1)(x)})
    manifest = export(model, features=["höhe", "breite"], label="größe", metrics=["mae"])
    assert manifest["features"][0]["fields"] == ["höhe", "breite"]
    assert manifest["outputs"][0] == {
        "name": "größe", "dtype": "float32", "shape": [1], "predict": "predict/gr__e:0", "train": "predict/gr__e:0",
    }  # fmt: skip


def test_mixed_bfloat16_has_float32_parameters(export):
    model = keras.Sequential(
        [
            keras.Input((4,), name="x"),
            keras.layers.Dense(8, dtype="mixed_bfloat16"),
            keras.layers.Dense(1, dtype="float32", name="y"),
        ]
    )
    assert {entry["dtype"] for entry in export(model)["parameters"]} == {"float32"}


class Penalized(keras.Model):
    """Adds a penalty where Keras lets a model do so, beside what compile gives."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.seen = keras.metrics.Mean(name="seen")

    def call(self, x):
        return self.dense(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        self.seen.update_state(loss)
        return loss + 0.1 * keras.ops.mean(keras.ops.square(y_pred))


def test_compute_loss_of_the_model_counts(export):
    model = Penalized()
    x = np.ones((3, 2), "float32")
    manifest = export(model, example=x)
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(tf.compat.v1.GraphDef.FromString((manifest["folder"] / "graph.pb").read_bytes()), name="")
    feed = {entry["tensor"]: variable.numpy() for entry, variable in
            zip(manifest["parameters"], model.trainable_variables, strict=True)}  # fmt: skip
    with tf.compat.v1.Session(graph=graph) as session:
        loss = session.run(
            manifest["loss"]["train"], feed | {manifest["features"][0]["tensor"]: x, "label/label:0": np.zeros((3, 1))}
        )
    prediction = model(x).numpy()
    assert loss == pytest.approx(1.1 * np.mean(prediction**2), rel=1e-6)
    assert float(model.seen.result()) == 0


class OwnStep(keras.Model):
    """Trains in a way that only it knows."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        return {}


def test_refuses_a_train_step_of_its_own(refused):
    assert "overrides train_step" in refused(OwnStep(), example=np.ones((2, 2)))


def test_refuses_what_is_no_model(refused):
    assert "not Dense" in refused(keras.layers.Dense(1))


def test_refuses_half_precision_that_scales_its_loss(refused):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, dtype="float32")])
        assert "loss scaling" in refused(model)
    finally:
        keras.config.set_dtype_policy("float32")


def test_refuses_another_floatx(refused, linear):
    keras.config.set_floatx("float64")
    try:
        assert "set_floatx" in refused(linear)
    finally:
        keras.config.set_floatx("float32")


def test_path_may_be_text(tmp_path, linear):
    streamgrad.export(linear, os.fspath(tmp_path / "new" / "m.bundle"), loss="mse", optimizer="sgd")
    assert sorted(file.name for file in (tmp_path / "new" / "m.bundle").iterdir()) == [
        "bundle.json", "graph.pb", "initial.safetensors", "serving.pb",
    ]  # fmt: skip


def test_is_typed():
    assert (Path(streamgrad.__file__).parent / "py.typed").is_file()
