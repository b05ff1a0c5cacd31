"""Writes bundles of shapes that only the tests of the bindings need.

    python bindings.py OUTDIR

`every_dtype.bundle` has a feature of each common type and a sample weight; `two_outputs.bundle` answers two questions.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

import keras
import streamgrad
from models import two_outputs

layers = keras.layers


def every_dtype(path: Path) -> None:
    """One feature of each common type, the string hashed, and a sample weight."""
    keras.utils.set_random_seed(7)
    dtypes = ["float32", "float64", "int32", "int64", "uint8", "bool"]
    inputs = {dtype: keras.Input((2,), dtype=dtype, name=f"of_{dtype}") for dtype in dtypes}
    airline = keras.Input((), dtype="string", name="of_string")
    hashed = layers.CategoryEncoding(4, output_mode="one_hot")(layers.Hashing(4)(airline))
    joined = layers.Concatenate()([*(keras.ops.cast(x, "float32") for x in inputs.values()), hashed])
    model = keras.Model(
        [*inputs.values(), airline], layers.Dense(1, name="answer")(joined), name="every_dtype"
    )
    streamgrad.export(
        model,
        path,
        loss="mse",
        optimizer=keras.optimizers.SGD(0.01),
        metrics=["mae"],
        label="value",
        sample_weight="weight",
        overwrite=True,
    )


def two_answers(path: Path) -> None:
    """A class and a number."""
    peer = two_outputs()
    streamgrad.export(
        peer.model,
        path,
        loss=peer.loss,
        optimizer=keras.optimizers.SGD(0.05),
        metrics=peer.metrics,
        label=peer.label,
        overwrite=True,
        **peer.arguments,
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python bindings.py OUTDIR")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    every_dtype(folder / "every_dtype.bundle")
    two_answers(folder / "two_outputs.bundle")
