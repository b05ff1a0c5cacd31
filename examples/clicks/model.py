"""The model that learns the clicks: wide and deep on 26 ids, all of whose rows are in two tables.

python examples/clicks/model.py target/clicks.bundle
"""

import sys
from typing import Any

import keras
import streamgrad
from streamgrad.layers import Embedding

FEATURES = 26
# An id gets a row when it is seen for the third time, and loses it when it was not seen for four million clicks.
LASTING = {"admit_after": 3, "expire_after_steps": 8_000}


def build(rows: Any, weights: Any) -> keras.Model:
    """Of layers that give each id 16 numbers, `[batch, 26, 16]`, and one, `[batch, 26, 1]`."""
    ids = keras.Input((FEATURES,), dtype="int64", name="ids")
    deep = keras.layers.Flatten()(rows(ids))
    deep = keras.layers.Dense(64, "relu")(deep)
    deep = keras.layers.Dense(32, "relu")(deep)
    wide = keras.ops.sum(weights(ids), 1)
    logit = keras.layers.Add()([keras.layers.Dense(1)(deep), wide])
    return keras.Model(ids, keras.layers.Activation("sigmoid", name="click")(logit))


def optimizer() -> keras.optimizers.Optimizer:
    """The same for tables and layers."""
    return keras.optimizers.Adagrad(0.05, initial_accumulator_value=0.001)


def export(path: str, **lasting: Any) -> None:
    """Writes the bundle; `lasting` says which ids get a row in the tables and which lose it."""
    keras.utils.set_random_seed(26)
    # The ids of all features are numbers all over the 64 bits, so that they can share a table.
    rows = Embedding("rows", 16, **lasting)
    weights = Embedding("weights", 1, initializer="zeros", **lasting)
    streamgrad.export(
        build(rows, weights),
        path,
        loss="binary_crossentropy",
        optimizer=optimizer(),
        metrics=["auc"],
        label="clicked",
        overwrite=True,
    )


if __name__ == "__main__":
    export(sys.argv[1], **LASTING)
