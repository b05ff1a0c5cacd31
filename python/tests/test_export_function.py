import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

import streamgrad

ROWS = tf.TensorSpec([None, 3])
ONE = tf.TensorSpec([None, 1])


def linear(parameters, features, label):
    logits = features["x"] @ parameters["w"] + parameters["b"]
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(label, logits))
    return loss, tf.sigmoid(logits)


def factorization_machine(parameters, features, label):
    rows = tf.gather(parameters["v"], features["ids"])
    square_of_sum, sum_of_squares = tf.square(tf.reduce_sum(rows, 1)), tf.reduce_sum(tf.square(rows), 1)
    pairs = 0.5 * tf.reduce_sum(square_of_sum - sum_of_squares, -1, keepdims=True)
    logits = parameters["bias"] + tf.reduce_sum(tf.gather(parameters["w"], features["ids"]), 1) + pairs
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(label, logits)), {"click": tf.sigmoid(logits)}


def two_heads(parameters, features, label):
    price, kind = features["x"] @ parameters["p"], features["x"] @ parameters["k"]
    crossentropy = tf.nn.sparse_softmax_cross_entropy_with_logits(label["kind"], kind)
    return tf.reduce_mean((label["price"] - price) ** 2) + tf.reduce_mean(crossentropy), {"price": price, "kind": kind}


def numbers(*shape):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


LINEAR = {"parameters": {"w": numbers(3, 1), "b": np.zeros(1, "float32")}, "features": {"x": ROWS}, "label": ONE}


@pytest.fixture
def export(tmp_path):
    def run(fn, **arguments):
        arguments = {**LINEAR, "optimizer": "sgd", **arguments}
        folder = tmp_path / "fn.bundle"
        streamgrad.export_function(fn, folder, overwrite=True, **arguments)
        return {**json.loads((folder / "bundle.json").read_text(encoding="utf-8")), "folder": folder}

    return run


def test_a_function_of_two_parameters(export):
    manifest = export(
        linear, label=(ONE, "late"), features={"x": (ROWS, ["a", "b", "c"])}, task="binary_classification",
        metrics=["auc", "accuracy"], outputs="probability", optimizer=keras.optimizers.Adagrad(0.05), name="flights",
    )  # fmt: skip
    assert (manifest["name"], manifest["task"], manifest["loss"]["name"]) == (
        "flights", "binary_classification", "flights",
    )  # fmt: skip
    assert manifest["features"][0]["fields"] == ["a", "b", "c"]
    assert manifest["labels"][0] | {"tensor": ""} == {
        "name": "label", "dtype": "float32", "shape": [1], "fields": ["late"], "tensor": "", "output": "probability",
        "range": [0.0, 1.0],
    }  # fmt: skip
    assert [parameter["name"] for parameter in manifest["parameters"]] == ["w", "b"]
    assert np.array_equal(load_file(manifest["folder"] / "initial.safetensors")["w"], LINEAR["parameters"]["w"])
    assert [metric["kind"] for metric in manifest["metrics"]] == ["auc", "accuracy"]


def test_the_graph_is_the_function(export):
    manifest = export(linear)
    graph_def = tf.compat.v1.GraphDef.FromString((manifest["folder"] / "graph.pb").read_bytes())
    x, y = numbers(5, 3), np.array([[0], [1], [1], [0], [1]], "float32")
    values = {name: tf.constant(value) for name, value in LINEAR["parameters"].items()}
    with tf.GradientTape() as tape:
        tape.watch(list(values.values()))
        loss, predictions = linear(values, {"x": tf.constant(x)}, tf.constant(y))
    wanted = {"loss": loss, "p": predictions, **tape.gradient(loss, values)}
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    feed = {manifest["features"][0]["tensor"]: x, manifest["labels"][0]["tensor"]: y}
    feed |= {one["tensor"]: LINEAR["parameters"][one["name"]] for one in manifest["parameters"]}
    ends = {"loss": manifest["loss"]["train"], "p": manifest["outputs"][0]["predict"]}
    ends |= {one["name"]: one["gradient"] for one in manifest["parameters"]}
    with tf.compat.v1.Session(graph=graph) as session:
        for name, value in session.run(ends, feed).items():
            assert np.allclose(value, wanted[name].numpy(), rtol=1e-6, atol=1e-7), name


def test_gathered_rows_have_dense_gradients(export):
    ids = np.array([[1, 2], [2, 9]], "int64")
    manifest = export(
        factorization_machine,
        parameters={"w": np.zeros((10, 1), "float32"), "v": numbers(10, 4), "bias": np.zeros(1, "float32")},
        features={"ids": ids}, label=np.array([[0.0], [1.0]]), task="binary_classification",
        optimizer={"v": keras.optimizers.Adagrad(0.1), ".*": "sgd"},
    )  # fmt: skip
    assert manifest["labels"][0]["dtype"] == "float32"
    assert [one["name"] for one in manifest["outputs"]] == ["click"]
    assert manifest["optimizer"]["groups"][0]["parameters"] == ["v"]


def test_several_labels_belong_to_the_outputs_of_their_names(export):
    manifest = export(
        two_heads,
        parameters={"p": numbers(3, 1), "k": numbers(3, 4)},
        label={"kind": tf.TensorSpec([None], tf.int64), "price": ONE},
        features={"x": numbers(4, 3)},
    )
    assert [(label["name"], label["output"]) for label in manifest["labels"]] == [("kind", "kind"), ("price", "price")]
    assert {output["name"]: output["shape"] for output in manifest["outputs"]} == {"price": [1], "kind": [4]}


@pytest.mark.parametrize(
    ("fn", "arguments", "says"),
    [
        (lambda p, f, y: tf.reduce_mean(f["x"]), {}, "return a tuple (loss, predictions)"),
        (lambda p, f, y: (f["x"] @ p["w"], f["x"]), {}, "must be a float32 scalar"),
        (lambda p, f, y: (linear(p, f, y)[0], f["x"] @ p["w"] + y), {}, "depends on the label 'label'"),
        (lambda p, f, y: (tf.reduce_mean(f["x"] @ p["w"]), f["x"]), {}, "parameter 'b' has no gradient"),
        (lambda p, f, y: (linear(p, f, y)[0], tf.reduce_sum(f["x"])), {}, "one row for each row of the batch"),
        (lambda p, f, y: (linear(p, f, y)[0] + tf.random.normal([]), f["x"]), {}, "draws random numbers"),
        (lambda p, f, y: (f["y"], f["x"]), {}, "cannot be traced: 'y'"),
        (linear, {"parameters": {}}, "`parameters` is a dict"),
        (linear, {"parameters": {"w": numbers(3, 1), "b": np.zeros(1, int)}}, "parameter 'b' is int64"),
        (linear, {"features": {"x": tf.TensorSpec([8, 3])}}, "rows are counted first"),
        (linear, {"features": {"x": tf.TensorSpec([None, None])}}, "with a size left open"),
        (linear, {"features": {"x": (ROWS, ["a", "b"])}}, "has 3 elements a row but 2 fields"),
        (linear, {"task": "ranking"}, "task 'ranking' is none of"),
        (linear, {"metrics": ["auc"]}, "needs a binary crossentropy loss"),
        (linear, {"outputs": ["a", "b"]}, "the function gives 1"),
    ],
)
def test_what_is_refused_says_what_to_do(fn, arguments, says, export, tmp_path):
    with pytest.raises(streamgrad.ExportError) as caught:
        export(fn, **arguments)
    assert says in str(caught.value)
    assert not list(tmp_path.iterdir())
