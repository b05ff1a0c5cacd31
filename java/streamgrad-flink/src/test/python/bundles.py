"""Exports the bundles of the Flink tests.

python bundles.py OUTDIR
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import streamgrad

NUMBERS = {"numbers": ["hour", "distance", "seats", "wind"]}


def flights(folder: Path, name: str = "flights") -> None:
    """One scalar output; four fields fill one feature."""
    model = keras.Sequential(
        [
            keras.Input((4,), name="numbers"),
            keras.layers.Dense(8, "relu"),
            keras.layers.Dense(1, "sigmoid", name="probability"),
        ]
    )
    streamgrad.export(
        model,
        folder / f"{name}.bundle",
        loss="binary_crossentropy",
        optimizer=keras.optimizers.Adagrad(0.05, initial_accumulator_value=0.001),
        metrics=["auc"],
        features=NUMBERS,
        label="late",
        overwrite=True,
    )


def delays(folder: Path) -> None:
    """A regression, whose squared error overflows where a distance is huge."""
    model = keras.Sequential([keras.Input((4,), name="numbers"), keras.layers.Dense(1, name="delay")])
    streamgrad.export(
        model,
        folder / "delays.bundle",
        loss="mean_squared_error",
        optimizer=keras.optimizers.SGD(0.001),
        features=NUMBERS,
        label="minutes",
        overwrite=True,
    )


def outcomes(folder: Path) -> None:
    """Two outputs, two labels, a string and a vector among the features."""
    numbers = keras.Input((4,), name="numbers")
    carrier = keras.Input((1,), dtype="string", name="carrier")
    weather = keras.Input((3,), name="weather")
    code = keras.layers.Hashing(num_bins=8, output_mode="one_hot")(carrier)
    hidden = keras.layers.Dense(8, "relu")(keras.layers.Concatenate()([numbers, code, weather]))
    late = keras.layers.Dense(1, "sigmoid", name="late")(hidden)
    gate = keras.layers.Dense(3, "softmax", name="gate")(hidden)
    model = keras.Model([numbers, carrier, weather], {"late": late, "gate": gate})
    streamgrad.export(
        model,
        folder / "outcomes.bundle",
        loss={"late": "binary_crossentropy", "gate": "sparse_categorical_crossentropy"},
        optimizer="sgd",
        features=NUMBERS,
        label={"late": "was_late", "gate": "gate_number"},
        overwrite=True,
    )


def echoes(folder: Path) -> None:
    """One feature of each type of numbers, a matrix and a text; each but the text is an output, too, as it came."""
    numbers = [
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
    inputs = {name: keras.Input((1,), dtype=name, name=f"of_{name}") for name in numbers}
    matrix = keras.Input((2, 3), dtype="float64", name="matrix")
    steps = keras.Input((3,), dtype="uint64", name="steps")
    text = keras.Input((1,), dtype="string", name="text")
    code = keras.layers.Hashing(num_bins=8, output_mode="one_hot")(text)
    outputs = {f"echo_{name}": keras.ops.copy(value) for name, value in inputs.items()}
    outputs |= {"echo_matrix": keras.ops.copy(matrix), "echo_steps": keras.ops.copy(steps)}
    outputs["answer"] = keras.layers.Dense(1, name="answer")(code)
    streamgrad.export(
        keras.Model([*inputs.values(), matrix, steps, text], outputs),
        folder / "echoes.bundle",
        loss={"answer": "mean_squared_error"},
        optimizer="sgd",
        label={"answer": "value"},
        overwrite=True,
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python bundles.py OUTDIR")
    keras.utils.set_random_seed(7)
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for export in (flights, delays, outcomes, echoes):
        export(target)
    flights(target, "retrained")
