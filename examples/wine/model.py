"""Which of three growers a wine is from: a model that was hardly trained, and one that was, offline, on scikit-learn's data.

python examples/wine/model.py target/wine

Writes `wine.csv` (the half of the wines that the models have not seen), `models/1` (the first bundle of the numbered
ones that the job follows) and `better` (what takes its place: move it to `models/2`).
"""

import csv
import sys
from pathlib import Path

import keras
import numpy as np
import streamgrad
from sklearn.datasets import load_wine

# As a record of the stream names them, in the order of the data's columns.
FIELDS = [
    "alcohol", "malicAcid", "ash", "alcalinity", "magnesium", "phenols", "flavanoids", "nonflavanoids",
    "proanthocyanins", "color", "hue", "od280", "proline",
]  # fmt: skip


def build(numbers: np.ndarray) -> keras.Model:
    """A small network, which learns from `numbers` what is usual."""
    scaled = keras.layers.Normalization(name="scaled")
    scaled.adapt(numbers)
    return keras.Sequential(
        [
            keras.Input((len(FIELDS),), name="numbers"),
            scaled,
            keras.layers.Dense(16, "relu", name="hidden"),
            keras.layers.Dense(3, "softmax", name="kind"),
        ],
        name="wine",
    )


def export(model: keras.Model, folder: Path) -> None:
    """A bundle, which could learn on; the job only predicts."""
    streamgrad.export(
        model,
        folder,
        loss="sparse_categorical_crossentropy",
        optimizer=keras.optimizers.Adam(0.001),
        metrics=["accuracy"],
        features={"numbers": FIELDS},
        label="kind",
        overwrite=True,
    )


def main(folder: Path) -> None:
    """The stream's wines, and the two bundles."""
    keras.utils.set_random_seed(13)
    wine = load_wine()
    order = np.random.default_rng(13).permutation(len(wine.target))
    numbers, kinds = wine.data[order].astype("float32"), wine.target[order]
    half = len(kinds) // 2
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "wine.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([*FIELDS, "kind"])
        rows.writerows([*map(str, row), kind] for row, kind in zip(numbers[half:], kinds[half:], strict=True))

    model = build(numbers[:half])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    export(model, folder / "models" / "1")
    for epochs in (0, 40):
        model.fit(numbers[:half], kinds[:half], epochs=epochs, verbose=0)
        _, accuracy = model.evaluate(numbers[half:], kinds[half:], verbose=0)
        print(f"after {epochs} epochs {accuracy:.0%} of the unseen wines are right")
    export(model, folder / "better")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
