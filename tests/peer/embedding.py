"""Writes bundles with embedding tables, and what Keras' own dense embeddings learn from the same start.

    python embedding.py OUTDIR

`embedding-sgd` and `embedding-adagrad`: a bundle whose tables know all ids from the start, and a safetensors file with, for each of 300
steps of 32 rows, `batch/<step>/<column>` (ragged: also `.../lengths`), `loss/<step>` and `prediction/<step>/late` (of inference, before the
step), `gradient/<name>` of the first step, and at the end `parameter/<name>` and for each table `table/<name>/ids` and `table/<name>/rows`.

Without figures of Keras: `embedding_strings.bundle` (ids are strings), `embedding_settings.bundle` (admission, expiry, a budget),
`embedding_dim.bundle` (that of `embedding-sgd`, but its table `item` has another dim), `embedding_alone.bundle` (no dense
parameters; its one table has an optimizer of its own).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

import keras
import numpy as np
import streamgrad
from fixtures import record_gradients, with_dense_gradients
from safetensors.numpy import save_file
from streamgrad.layers import Embedding

STEPS, ROWS, KNOWN, MOST = 300, 32, 60, 4
Rows = dict[str, Any]
layers = keras.layers


def optimizer(name: str) -> Any:
    """A fresh one."""
    return keras.optimizers.SGD(0.5) if name == "sgd" else keras.optimizers.Adagrad(0.05, 0.001)


def known_ids() -> dict[str, np.ndarray]:
    """The ids of each table, small, large and negative ones, by the type of their feature."""
    random = np.random.default_rng(3)
    items = np.unique(random.integers(-(2**63), 2**63 - 1, KNOWN, dtype=np.int64))
    items[:5] = [0, 1, -1, 2**63 - 1, -(2**63)]
    users = np.arange(-KNOWN // 2, KNOWN // 2, dtype=np.int32) * 70_000_001
    return {"item": items, "wide": items, "user": users}


def start_rows(dim: int) -> dict[str, np.ndarray]:
    """The rows that both models begin with."""
    random = np.random.default_rng(4)
    shapes = {"item": dim, "wide": 1, "user": 4}
    return {name: random.normal(0, 0.1, (KNOWN, columns)).astype("float32") for name, columns in shapes.items()}


def head(parts: list[Any], wide: Any) -> Any:
    """What both models make of the rows that they have looked up."""
    deep = layers.Dense(8, "tanh", kernel_initializer=keras.initializers.GlorotUniform(1), name="hidden")(
        layers.Concatenate(name="deep")(parts)
    )
    logit = layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(2), name="deep_logit")(deep)
    return layers.Activation("sigmoid", name="late")(layers.Add(name="logit")([logit, wide]))


def with_tables(dim: int = 4) -> keras.Model:
    """Three tables: `item` reads fixed-length and ragged ids, `wide` the same items, `user` one id a row."""
    user = keras.Input((), dtype="int32", name="user_id")
    items = keras.Input((3,), dtype="int64", name="items")
    tags = keras.Input((None,), dtype="int64", ragged=True, name="tags")
    numbers = keras.Input((2,), name="numbers")
    item = Embedding("item", dim, capacity=KNOWN, combiner="mean")
    wide = Embedding("wide", 1, capacity=KNOWN, combiner="sum", initializer="zeros")
    of_user = Embedding("user", 4, capacity=KNOWN)
    late = head([item(items), item(tags), of_user(user), numbers], wide(items))
    for layer in (item, wide, of_user):
        layer.insert(known_ids()[layer.name], start_rows(dim)[layer.name])
    return keras.Model([user, items, tags, numbers], late, name="with_tables")


class Mean(layers.Layer):
    """The mean over rows that are there, zeros without any, in the plainest way."""

    def call(self, rows: Any, there: Any) -> Any:
        """`rows` `[batch, most, dim]`, `there` `[batch, most]`."""
        total = keras.ops.sum(rows * there[..., None], 1)
        return total / keras.ops.maximum(keras.ops.sum(there, 1, keepdims=True), 1)


def dense(dim: int = 4) -> keras.Model:
    """The same model with `keras.layers.Embedding`; ids are numbered, ragged rows padded and told by `there`."""
    user = keras.Input((), dtype="int32", name="user_id")
    items = keras.Input((3,), dtype="int32", name="items")
    tags = keras.Input((MOST,), dtype="int32", name="tags")
    there = keras.Input((MOST,), name="there")
    numbers = keras.Input((2,), name="numbers")
    item, wide, of_user = (layers.Embedding(KNOWN, columns, name=name) for name, columns in
                           (("item", dim), ("wide", 1), ("user", 4)))  # fmt: skip
    mean = layers.GlobalAveragePooling1D(name="mean")(item(items))
    total = layers.Lambda(lambda rows: keras.ops.sum(rows, 1), name="sum")(wide(items))
    late = head([mean, Mean(name="mean_of_tags")(item(tags), there), of_user(user), numbers], total)
    model = keras.Model([user, items, tags, there, numbers], late, name="dense")
    for layer in (item, wide, of_user):
        layer.set_weights([start_rows(dim)[layer.name]])
    return model


def batch(random: np.random.Generator) -> tuple[Rows, Rows, np.ndarray]:
    """Rows for `with_tables`, the same for `dense`, and labels. A power law, so that ids repeat in a batch."""

    def some(shape: Any) -> np.ndarray:
        return (KNOWN * random.random(shape) ** 3).astype("int32")

    lengths = random.integers(0, MOST + 1, ROWS)
    user, items, tags = some(ROWS), some((ROWS, 3)), some(int(lengths.sum()))
    numbers = random.normal(size=(ROWS, 2)).astype("float32")
    there = (np.arange(MOST) < lengths[:, None]).astype("float32")
    padded = np.zeros((ROWS, MOST), "int32")
    padded[there > 0] = tags
    late = (numbers[:, 0] + user % 3 - items[:, 0] % 2 + random.normal(size=ROWS) > 0.5).astype("float32")
    known = known_ids()
    ours = {
        "user_id": known["user"][user], "items": known["item"][items], "tags": known["item"][tags],
        "tags/lengths": lengths, "numbers": numbers,
    }  # fmt: skip
    numbered = {"user_id": user, "items": items, "tags": padded, "there": there, "numbers": numbers}
    return ours, numbered, late[:, None]


def write(folder: Path, name: str) -> None:
    """One bundle, and one file of what Keras did from its start."""
    path = folder / f"embedding-{name}.bundle"
    arguments = {"loss": "binary_crossentropy", "metrics": ["auc"], "overwrite": True}
    streamgrad.export(with_tables(), path, optimizer=optimizer(name), **arguments)
    model = dense()
    model.compile(with_dense_gradients(optimizer(name)), "binary_crossentropy", jit_compile=False)
    recorded: dict[str, np.ndarray] = {}
    random = np.random.default_rng(5)
    for step in range(STEPS):
        ours, numbered, late = batch(random)
        recorded.update({f"batch/{step}/{column}": values for column, values in {**ours, "label": late}.items()})
        recorded[f"prediction/{step}/late"] = model.predict_on_batch(numbered)
        if step == 0:
            record_gradients(recorded, model, numbered, late)
        recorded[f"loss/{step}"] = np.float32(model.train_on_batch(numbered, late))
    for layer in (model.get_layer(one) for one in ("hidden", "deep_logit")):
        recorded.update({f"parameter/{weight.path}": weight.numpy() for weight in layer.weights})
    for table, ids in known_ids().items():
        recorded[f"table/{table}/ids"] = ids.astype(np.uint64)
        recorded[f"table/{table}/rows"] = model.get_layer(table).embeddings.numpy()
    save_file({key: np.asarray(value, order="C") for key, value in recorded.items()}, path.with_suffix(".safetensors"))


def strings() -> keras.Model:
    """Ids that are strings: one a row, some to a row, and any number with weights."""
    carrier = keras.Input((), dtype="string", name="carrier")
    route = keras.Input((2,), dtype="string", name="route")
    words = keras.Input((None,), dtype="string", ragged=True, name="words")
    weights = keras.Input((None,), ragged=True, name="weights")
    airport = Embedding("airport", 4, seed=1)
    word = Embedding("word", 8, seed=2, combiner="sqrtn", mask_zero=True)
    parts = [Embedding("airline", 4)(carrier), layers.Flatten()(airport(route)), word(words, weights=weights)]
    late = layers.Dense(1, "sigmoid", name="late")(layers.Concatenate()(parts))
    return keras.Model([carrier, route, words, weights], late, name="strings")


def settings() -> keras.Model:
    """Admission, expiry, a budget, and first values of each kind."""
    inputs = {name: keras.Input((), dtype="int64", name=f"{name}_id") for name in ("often", "lucky", "fresh", "bounded")}
    initializers = keras.initializers
    tables = [
        Embedding("often", 4, admit_after=3, sketch_bytes=1 << 16, default_row=[0.5, -0.5, 0.25, 0.0], seed=2**64 - 1),
        Embedding("lucky", 4, admit_probability=0.25, initializer=initializers.RandomNormal(0.0, 0.1), seed=2),
        Embedding("fresh", 4, expire_after_steps=5, initializer=initializers.Constant(0.125), seed=3),
        Embedding(
            "bounded", 4, expire_after_seconds=3600, budget_bytes=1 << 21, evict="least_frequent",
            initializer="truncated_normal",
        ),
    ]  # fmt: skip
    rows = [table(ids) for table, ids in zip(tables, inputs.values(), strict=True)]
    late = layers.Dense(1, "sigmoid", name="late")(layers.Concatenate()(rows))
    return keras.Model(list(inputs.values()), late, name="settings")


def alone() -> keras.Model:
    """One table and nothing else that learns: a logistic regression of ids."""
    ids = keras.Input((None,), dtype="uint64", ragged=True, name="ids")
    wide = Embedding("wide", 1, combiner="sum", initializer="zeros", optimizer=keras.optimizers.Ftrl(0.1))
    return keras.Model(ids, layers.Activation("sigmoid", name="late")(wide(ids)), name="alone")


def main(folder: Path) -> None:
    """All of it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("sgd", "adagrad"):
        write(folder, name)
    others: dict[str, Callable[[], keras.Model]] = {
        "strings": strings, "settings": settings, "dim": lambda: with_tables(5), "alone": alone,
    }  # fmt: skip
    for name, build in others.items():
        keras.utils.set_random_seed(6)
        streamgrad.export(
            build(), folder / f"embedding_{name}.bundle", loss="binary_crossentropy", optimizer=optimizer("sgd"),
            metrics=["auc"], overwrite=True,
        )  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python embedding.py OUTDIR")
    main(Path(sys.argv[1]))
