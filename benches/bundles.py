"""Exports the models of the benchmarks: `python benches/bundles.py OUTDIR`."""

import sys
from pathlib import Path

import keras
import streamgrad
from streamgrad.layers import Embedding

sys.path.insert(0, "examples/clicks")

import model as clicks

SIZES = {
    "small": (13, 32, 32, 3),
    "middle": (784, 256, 128, 10),
    "large": (1024, 4096, 4096, 10),
    "hundred": (1024, 4096, 5120, 10),  # megabytes of parameters
}


def build(sizes: tuple[int, ...]) -> keras.Model:
    """An MLP with ReLU between its layers and softmax at its end."""
    keras.utils.set_random_seed(7)
    inputs = keras.Input((sizes[0],), name="numbers")
    hidden = inputs
    for units in sizes[1:-1]:
        hidden = keras.layers.Dense(units, "relu")(hidden)
    return keras.Model(inputs, keras.layers.Dense(sizes[-1], "softmax", name="kind")(hidden))


def with_table() -> keras.Model:
    """The least around a table: the row of an id, 16 numbers, and a weight for each of them."""
    item = keras.Input((), dtype="int64", name="item")
    row = Embedding("item_rows", 16)(item)
    return keras.Model(item, keras.layers.Dense(1, "sigmoid", name="click")(row))


def main(folder: Path) -> None:
    """Writes one bundle for each size, one with a table, and that of the clicks, whose tables keep every id."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, sizes in SIZES.items():
        streamgrad.export(
            build(sizes),
            folder / f"{name}.bundle",
            loss="sparse_categorical_crossentropy",
            optimizer=keras.optimizers.SGD(0.01),
            overwrite=True,
        )
    streamgrad.export(
        with_table(),
        folder / "table.bundle",
        loss="binary_crossentropy",
        optimizer=keras.optimizers.Adagrad(0.05),
        overwrite=True,
    )
    clicks.export(str(folder / "clicks.bundle"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
