"""Writes bundles that no exporter would write, for tests of what may go wrong: `python tests/peer/graphs.py OUTDIR`.

- `alias.bundle`: what it fetches is memory of something else: the prediction is the fed feature, two gradients are one
  tensor, one gradient is a constant of the graph, the new state is the fed feature.
- `reads_file.bundle`: its prediction reads a file.
- `reads_file_in_function.bundle`: the same, inside a function that the graph calls.
- `variable.bundle`: its prediction reads a variable.

And one that the exporter writes of a function, `function.bundle`, a factorization machine of ids; `function.safetensors` has
its batches and what TensorFlow makes of them with plain SGD: losses, predictions before each step, parameters at the end.
`narrow.bundle` and `narrow.safetensors` are the same of a function of 16-bit floats and complex numbers.
"""

import hashlib
import json
import sys
from pathlib import Path

import keras
import numpy as np
import streamgrad
import tensorflow as tf
from safetensors.numpy import save, save_file

WIDTH = 4


def write(folder: Path, graph: tf.Graph, ends: dict[str, tf.Tensor]) -> None:
    """A bundle of a model with one feature `x`, one label `y`, two parameters `a` and `b`, one state `s`."""
    graph_def = graph.as_graph_def().SerializeToString()
    values = save(
        {
            "a": np.ones(WIDTH, np.float32),
            "b": np.full(WIDTH, 2, np.float32),
            "s": np.zeros((WIDTH,), np.float32),
        }
    )
    weight = {"dtype": "float32", "shape": [WIDTH]}
    manifest = {
        "format": 1,
        "name": folder.stem,
        "versions": {},
        "files": {"graph.pb": hashlib.sha256(graph_def).hexdigest(), "initial.safetensors": hashlib.sha256(values).hexdigest()},
        "task": "other",
        "features": [{"name": "x", **weight, "fields": ["x"], "tensor": "x:0"}],
        "labels": [{"name": "y", **weight, "fields": ["y"], "output": "p", "range": None, "tensor": "y:0"}],
        "weight": None,
        "outputs": [{"name": "p", **weight, "predict": ends["p"].name, "train": ends["p"].name}],
        "loss": {"name": "sum", "train": ends["loss"].name, "evaluate": ends["loss"].name},
        "parameters": [
            {"name": name, **weight, "tensor": f"{name}:0", "gradient": ends[f"d{name}"].name} for name in ("a", "b")
        ],
        "state": [{"name": "s", "kind": "statistic", **weight, "tensor": "s:0", "next": ends["s"].name}],
        "frozen": [],
        "optimizer": {
            "rule": "sgd", "learning_rate": 0.5, "momentum": 0.0, "nesterov": False, "weight_decay": None,
            "weight_decay_excluded": [], "clipnorm": None, "global_clipnorm": None, "clipvalue": None,
        },
        "metrics": [],
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "graph.pb").write_bytes(graph_def)
    (folder / "initial.safetensors").write_bytes(values)
    (folder / "bundle.json").write_text(json.dumps(manifest, indent=1))


def build(folder: Path, predict) -> None:
    """The loss is the sum of `a + b` and the mean of `y`, whatever the prediction is."""
    with tf.Graph().as_default() as graph:
        v1 = tf.compat.v1
        x, y = (v1.placeholder(tf.float32, (None, WIDTH), name) for name in "xy")
        a, b, _ = (v1.placeholder(tf.float32, (WIDTH,), name) for name in "abs")
        loss = tf.reduce_sum(a + b) + tf.reduce_mean(y)
        da, db = tf.gradients(loss, [a, b])
        first = tf.reshape(tf.slice(x, [0, 0], [1, WIDTH]), [WIDTH])
        ends = {"p": predict(x), "loss": loss, "da": tf.identity(da), "db": tf.identity(db), "s": first}
        write(folder, graph, ends)


def read_file(x: tf.Tensor) -> tf.Tensor:
    """Zeros, after a look at a file."""
    size = tf.strings.length(tf.io.read_file("/etc/hostname"))
    return x * tf.cast(tf.minimum(size, 0), tf.float32)


def read_variable(x: tf.Tensor) -> tf.Tensor:
    """The feature times a variable."""
    variable = tf.compat.v1.get_variable("v", initializer=1.0, use_resource=True)
    return x * variable


def machine(parameters, features, label):
    """Loss and click of a factorization machine."""
    rows = tf.gather(parameters["v"], features["ids"])
    pairs = 0.5 * tf.reduce_sum(
        tf.square(tf.reduce_sum(rows, 1)) - tf.reduce_sum(tf.square(rows), 1), -1, keepdims=True
    )
    logits = parameters["bias"] + tf.reduce_sum(tf.gather(parameters["w"], features["ids"]), 1) + pairs
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(label, logits))
    return loss, {"click": tf.sigmoid(logits)}


def function(folder: Path) -> None:
    """The bundle of a function, and twenty steps of it in Python."""
    random = np.random.default_rng(3)
    initial = {
        "w": np.zeros((10, 1), "float32"),
        "v": random.normal(size=(10, 4)).astype("float32"),
        "bias": np.zeros(1, "float32"),
    }
    ids = random.integers(0, 10, (20, 8, 3)).astype("int64")
    clicked = (ids[..., :1] > 4).astype("float32")
    streamgrad.export_function(
        machine,
        folder / "function.bundle",
        parameters=initial,
        features={"ids": tf.TensorSpec([None, 3], tf.int64)},
        label=(tf.TensorSpec([None, 1]), "clicked"),
        optimizer=keras.optimizers.SGD(0.25),
        task="binary_classification",
        metrics=["auc"],
        overwrite=True,
    )
    parameters = {name: tf.Variable(value) for name, value in initial.items()}
    losses, clicks = [], []
    for x, y in zip(ids, clicked, strict=True):
        with tf.GradientTape() as tape:
            loss, predictions = machine(parameters, {"ids": tf.constant(x)}, tf.constant(y))
        losses.append(loss.numpy())
        clicks.append(predictions["click"].numpy())
        for name, gradient in tape.gradient(loss, parameters).items():
            parameters[name].assign_sub(0.25 * tf.convert_to_tensor(gradient))
    ends = {f"after/{name}": value.numpy() for name, value in parameters.items()}
    recorded = {"ids": ids, "clicked": clicked, "loss": np.array(losses), "click": np.array(clicks)}
    save_file(recorded | ends, folder / "function.safetensors")


def narrow_rows(parameters, features, label):
    """Loss and predictions of halves and a wave."""
    wave = features["wave"]
    parts = [tf.cast(features[name], tf.float32) for name in ("half", "brain")]
    logits = tf.concat([*parts, tf.math.real(wave), tf.math.imag(wave)], 1) @ parameters["w"]
    loss = tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(label, tf.float32), logits)
    p = tf.sigmoid(logits)
    return tf.reduce_mean(loss), {"p": p, "short": tf.cast(p, tf.float16), "turned": wave * 1j}


def narrow(folder: Path) -> None:
    """The bundle of a function of 16-bit floats and complex numbers, and ten steps of it in Python."""
    random = np.random.default_rng(4)
    start = np.zeros((4, 1), "float32")
    shape = (10, 8, 1)
    half, brain = random.normal(size=shape).astype("float16"), random.normal(size=shape)
    brain = tf.cast(brain, tf.bfloat16).numpy()
    wave = (random.normal(size=shape) + 1j * random.normal(size=shape)).astype("complex64")
    late = (half.astype("float32") + wave.imag > 0).astype("float16")
    streamgrad.export_function(
        narrow_rows,
        folder / "narrow.bundle",
        parameters={"w": start},
        features={"half": half[0], "brain": brain[0], "wave": wave[0]},
        label=(tf.TensorSpec([None, 1], tf.float16), "late"),
        optimizer=keras.optimizers.SGD(0.5),
        outputs=["p", "short", "turned"],
        task="binary_classification",
        metrics={"p": ["accuracy"]},
        overwrite=True,
    )
    w, losses, shorts = tf.Variable(start), [], []
    for rows in zip(half, brain, wave, late, strict=True):
        *x, y = [tf.constant(one) for one in rows]
        with tf.GradientTape() as tape:
            loss, predictions = narrow_rows({"w": w}, dict(zip(("half", "brain", "wave"), x, strict=True)), y)
        losses.append(loss.numpy())
        shorts.append(predictions["short"].numpy())
        w.assign_sub(0.5 * tape.gradient(loss, w))
    recorded = {"half": half, "brain": brain.view("uint16"), "wave": wave.view("float32"), "late": late}
    ends = {"loss": np.array(losses), "short": np.array(shorts), "w": w.numpy()}
    save_file(recorded | ends, folder / "narrow.safetensors")


def main(folder: Path) -> None:
    """Writes all of them."""
    function(folder)
    narrow(folder)
    build(folder / "alias.bundle", tf.identity)
    build(folder / "reads_file.bundle", read_file)
    build(folder / "reads_file_in_function.bundle", tf.function(read_file, autograph=False))
    build(folder / "variable.bundle", read_variable)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
