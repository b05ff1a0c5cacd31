"""Writes bundles of models that take any number of values in a row: `python tests/peer/ragged.py OUTDIR`.

- `every_ragged.bundle`: one ragged feature of each dtype; the answer is a weighted sum of a row's values (of a string, its bytes).
- `ids.bundle`: whether a user clicks, by embedding tables of users (by name; with the names of friends, ragged) and of items
  (ragged numbers). The rows of `item` expire by event time.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from safetensors.numpy import save

v1 = tf.compat.v1
NUMBERS = [
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
]
DTYPES = [*NUMBERS, "string"]


def column(
    dtype: str, name: str, *, ragged: bool = False, shape: tuple[int, ...] = ()
) -> tuple[dict[str, Any], list[tf.Tensor]]:
    """The entry of an input, and its placeholders: the values and, if ragged, how many of them each row has."""
    tensors = [v1.placeholder(dtype, (None, *shape), name)]
    entry = {"name": name, "dtype": dtype, "shape": shape, "fields": [name], "tensor": f"{name}:0"}
    if ragged:
        tensors.append(v1.placeholder(tf.int64, (None,), f"{name}.lengths"))
        entry |= {"ragged": True, "lengths": f"{name}.lengths:0"}
    return entry, tensors


def sums(values: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """Of each row the sum of its values."""
    rows = tf.size(lengths)
    return tf.math.unsorted_segment_sum(values, tf.repeat(tf.range(rows), lengths), rows)


def export(
    folder: Path,
    graph: tf.Graph,
    weights: dict[str, np.ndarray],
    gradients: dict[str, tf.Tensor],
    **entries: Any,
) -> None:
    """Writes a bundle; the placeholder of a weight has its name."""
    files = {"graph.pb": graph.as_graph_def().SerializeToString(), "initial.safetensors": save(weights)}
    manifest = {
        "format": 1,
        "name": folder.stem,
        "versions": {},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "weight": None,
        "parameters": [
            {"name": name, "dtype": "float32", "shape": value.shape, "tensor": f"{name}:0", "gradient": gradients[name].name}
            for name, value in weights.items()
        ],
        "state": [],
        "frozen": [],
        "optimizer": {
            "rule": "sgd", "learning_rate": 0.5, "momentum": 0.0, "nesterov": False, "weight_decay": None,
            "weight_decay_excluded": [], "clipnorm": None, "global_clipnorm": None, "clipvalue": None,
        },
        **entries,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "bundle.json").write_text(json.dumps(manifest, indent=1))


def every_ragged(folder: Path) -> None:
    """The features in the order of `DTYPES`, each with a weight of its own."""
    with tf.Graph().as_default() as graph:
        features, seen = [], []
        for dtype in DTYPES:
            entry, (values, lengths) = column(dtype, f"of_{dtype}", ragged=True)
            features.append(entry)
            numbers = tf.cast(tf.strings.length(values) if dtype == "string" else values, tf.float32)
            seen.append(sums(numbers, lengths))
        label, (value,) = column("float32", "value")
        weights = {"kernel": np.arange(1, len(DTYPES) + 1, dtype=np.float32) / 8}
        kernel = v1.placeholder(tf.float32, (len(DTYPES),), "kernel")
        answer = tf.tensordot(tf.stack(seen, axis=1), kernel, 1)
        loss = tf.reduce_mean((answer - value) ** 2) / 1e6
        (gradient,) = tf.gradients(loss, [kernel])
        outputs = [
            {"name": "answer", "dtype": "float32", "shape": [], "predict": answer.name, "train": answer.name}
        ]
        export(
            folder, graph, weights, {"kernel": gradient}, task="regression", features=features,
            labels=[{**label, "output": "answer", "range": None}], outputs=outputs, tables=[],
            loss={"name": "mse", "train": loss.name, "evaluate": loss.name}, metrics=[],
        )  # fmt: skip


def table(name: str, dim: int, features: list[str], gradient: tf.Tensor, **settings: Any) -> dict[str, Any]:
    """The entry of a table whose placeholders are named after it and its features."""
    looked_up = [{"name": feature, "index": f"{feature}.index:0"} for feature in features]
    initializer = {"kind": "uniform", "low": -0.5, "high": 0.5}
    return {
        "name": name, "dim": dim, "features": looked_up, "rows": f"{name}.rows:0", "gradient": gradient.name,
        "seed": 7, "initializer": initializer, **settings,
    }  # fmt: skip


def ids(folder: Path) -> None:
    """A row of its own, the mean of the friends', the sum of the items', and the hour."""
    with tf.Graph().as_default() as graph:
        user, _ = column("string", "user")
        friends, (_, friend_counts) = column("string", "friends", ragged=True)
        items, (_, item_counts) = column("int64", "items", ragged=True)
        hour, (hours,) = column("float32", "hour", shape=(1,))
        label, (clicked,) = column("float32", "clicked", shape=(1,))
        people, things = (
            v1.placeholder(tf.float32, (None, dim), name)
            for name, dim in (("user.rows", 4), ("item.rows", 3))
        )
        index = {
            name: v1.placeholder(tf.int32, (None,), f"{name}.index") for name in ("user", "friends", "items")
        }
        own = tf.gather(people, index["user"])
        share = tf.cast(tf.maximum(friend_counts, 1), tf.float32)[:, None]
        known = sums(tf.gather(people, index["friends"]), friend_counts) / share
        seen = sums(tf.gather(things, index["items"]), item_counts)
        weights = {"kernel": np.full((12, 1), 0.25, np.float32), "bias": np.zeros(1, np.float32)}
        kernel, bias = (v1.placeholder(tf.float32, value.shape, name) for name, value in weights.items())
        logit = tf.concat([own, known, seen, hours], axis=1) @ kernel + bias
        click = tf.sigmoid(logit)
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(clicked, logit))
        found = tf.gradients(loss, [kernel, bias, people, things])
        of_kernel, of_bias, of_people, of_things = (tf.convert_to_tensor(gradient) for gradient in found)
        outputs = [
            {"name": "click", "dtype": "float32", "shape": [1], "predict": click.name, "train": click.name}
        ]
        export(
            folder, graph, weights, {"kernel": of_kernel, "bias": of_bias}, task="binary_classification",
            features=[user, friends, items, hour], labels=[{**label, "output": "click", "range": [0, 1]}], outputs=outputs,
            tables=[
                table("user", 4, ["user", "friends"], of_people),
                table("item", 3, ["items"], of_things, expiry={"kind": "seconds", "seconds": 3600}),
            ],
            loss={"name": "binary_crossentropy", "train": loss.name, "evaluate": loss.name},
            metrics=[{"kind": "auc", "name": "auc", "output": "click", "from_logits": False}],
        )  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python ragged.py OUTDIR")
    out = Path(sys.argv[1])
    every_ragged(out / "every_ragged.bundle")
    ids(out / "ids.bundle")
