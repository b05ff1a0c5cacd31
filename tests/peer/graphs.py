"""Writes bundles that no exporter would write, for tests of what may go wrong: `python tests/peer/graphs.py OUTDIR`.

- `alias.bundle`: what it fetches is memory of something else: the prediction is the fed feature, two gradients are one
  tensor, one gradient is a constant of the graph, the new state is the fed feature.
- `reads_file.bundle`: its prediction reads a file.
- `reads_file_in_function.bundle`: the same, inside a function that the graph calls.
- `variable.bundle`: its prediction reads a variable.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from safetensors.numpy import save

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


def main(folder: Path) -> None:
    """Writes all of them."""
    build(folder / "alias.bundle", tf.identity)
    build(folder / "reads_file.bundle", read_file)
    build(folder / "reads_file_in_function.bundle", tf.function(read_file, autograph=False))
    build(folder / "variable.bundle", read_variable)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
