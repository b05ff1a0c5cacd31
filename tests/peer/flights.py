"""Writes the bundle of the examples: four numbers of a flight, and whether it was late.

python flights.py OUTDIR
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


def main(folder: Path) -> None:
    """Exports `flights.bundle`, with the same initial values each time."""
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((4,), name="numbers"),
            keras.layers.Dense(32, "relu"),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )
    streamgrad.export(
        model,
        folder / "flights.bundle",
        loss="binary_crossentropy",
        optimizer=keras.optimizers.Adagrad(0.05, initial_accumulator_value=0.001),
        metrics=["auc"],
        features={"numbers": ["hour", "distance", "seats", "wind"]},
        label="late",
        overwrite=True,
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python flights.py OUTDIR")
    main(Path(sys.argv[1]))
