"""Writes what Keras' metrics say of given predictions and labels, for the parity tests of `src/metrics`.

    python metrics.py OUTDIR

`OUTDIR/metrics.json` lists the cases: `name`, `shape` and `label_shape` of a row, `metrics` as the bundle format has
them. `OUTDIR/metrics.safetensors` holds the rows of each step (`rows`), the loss of each step (`loss`) and their mean
by rows (`loss_mean`), and for each case `<case>/prediction`, `<case>/label`, for each metric its value after every
step (`<case>/<metric>`) and over the last `WINDOW` rows in whole steps (`<case>/<metric>/window`). AUCs, of which
Keras has approximations only, are computed from all pairs.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
from safetensors.numpy import save_file

ROWS = [32, 32, 1, 7, 32, 64, 32, 32, 5, 32] * 3
WINDOW = 150
CLASSES = 5
k = keras.metrics


class Auc:
    """The exact area under the ROC curve: the share of pairs in the right order, ties counting half."""

    def __init__(self) -> None:
        self.scores: list[np.ndarray] = []
        self.labels: list[np.ndarray] = []

    def update_state(self, labels: np.ndarray, scores: np.ndarray) -> None:
        """Takes in a step."""
        self.scores.append(scores.ravel())
        self.labels.append(labels.ravel())

    def result(self) -> float:
        """The area; NaN without both classes."""
        scores, labels = np.concatenate(self.scores), np.concatenate(self.labels)
        pairs = np.sign(scores[labels != 0, None] - scores[None, labels == 0])
        return float((pairs.mean() + 1) / 2) if pairs.size else float("nan")


class Of:
    """A metric of a function of the predictions."""

    def __init__(self, function: Callable[[np.ndarray], np.ndarray], metric: Any) -> None:
        self.function, self.metric = function, metric

    def update_state(self, labels: np.ndarray, predictions: np.ndarray) -> None:
        """Takes in a step."""
        self.metric.update_state(labels, self.function(predictions))

    def result(self) -> float:
        """The metric."""
        return float(self.metric.result())


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """The logistic function as Keras computes it."""
    return np.array(keras.ops.sigmoid(logits))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis as Keras computes them."""
    return np.array(keras.ops.softmax(logits))


Metric = tuple[str, dict[str, Any], Callable[[], Any]]
Case = tuple[np.ndarray, np.ndarray, bool, list[Metric]]


def cases(random: np.random.Generator, rows: int) -> dict[str, Case]:
    """Predictions, labels, whether predictions are logits, and metrics by kind, further fields and peer."""
    logits = random.normal(0, 2, (rows, 1)).astype(np.float32)
    logits[::17] *= 20
    labels = (random.random((rows, 1)) < sigmoid(logits)).astype(np.float32)
    probabilities = sigmoid(logits)
    probabilities[::29] = np.round(probabilities[::29])
    scores = random.normal(0, 2, (rows, CLASSES)).astype(np.float32)
    scores[::13, 1] = scores[::13, 2]
    classes = (scores + random.gumbel(0, 1, scores.shape)).argmax(-1)
    one_hot = np.eye(CLASSES, dtype=np.float32)[classes]
    sequence = random.normal(0, 2, (rows, 4, CLASSES)).astype(np.float32)
    tags = (sequence + random.gumbel(0, 1, sequence.shape)).argmax(-1).astype(np.int32)
    targets = random.normal(3, 10, (rows, 3)).astype(np.float32)
    guesses = (targets + random.normal(0, 1, targets.shape)).astype(np.float32)
    several = random.random((rows, 3)).astype(np.float32)
    flags = random.random((rows, 3)) < several

    errors: list[Metric] = [("mae", {}, k.MeanAbsoluteError), ("rmse", {}, k.RootMeanSquaredError)]
    two: dict[str, Any] = {"k": 2}
    sparse: list[Metric] = [
        ("accuracy", {}, k.SparseCategoricalAccuracy),
        ("top_k", two, lambda: k.SparseTopKCategoricalAccuracy(2)),
    ]
    dense: list[Metric] = [
        ("accuracy", {}, k.CategoricalAccuracy),
        ("top_k", two, lambda: k.TopKCategoricalAccuracy(2)),
    ]
    binary: list[Metric] = [
        ("auc", {}, Auc),
        ("accuracy", {}, k.BinaryAccuracy),
        ("logloss", {}, k.BinaryCrossentropy),
        *errors,
    ]
    of_logits: list[Metric] = [
        ("auc", {}, lambda: Of(sigmoid, Auc())),
        ("accuracy", {}, lambda: Of(sigmoid, k.BinaryAccuracy())),
        ("logloss", {}, lambda: k.BinaryCrossentropy(from_logits=True)),
        ("mae", {}, lambda: Of(sigmoid, k.MeanAbsoluteError())),
        ("rmse", {}, lambda: Of(sigmoid, k.RootMeanSquaredError())),
    ]
    sparse_loss, dense_loss = k.SparseCategoricalCrossentropy, k.CategoricalCrossentropy
    return {
        "binary": (probabilities, labels, False, binary),
        "binary_scalar": (probabilities[:, 0], labels[:, 0].astype(bool), False, [binary[0]]),
        "binary_logits": (logits, labels, True, of_logits),
        "binary_integers": (probabilities, labels.astype(np.int64), False, binary[:2]),
        "sparse": (softmax(scores), classes[:, None], False, [*sparse, ("logloss", {}, sparse_loss)]),
        "sparse_logits": (
            scores,
            classes.astype(np.uint8),
            True,
            [*sparse, ("logloss", {}, lambda: sparse_loss(from_logits=True))],
        ),
        "sparse_floats": (softmax(scores), classes[:, None].astype(np.float32), False, sparse),
        "dense": (
            softmax(scores) * np.float32(0.7),
            one_hot,
            False,
            [*dense, ("logloss", {}, dense_loss), *errors],
        ),
        "dense_logits": (
            scores,
            one_hot,
            True,
            [
                *dense,
                ("logloss", {}, lambda: dense_loss(from_logits=True)),
                ("mae", {}, lambda: Of(softmax, k.MeanAbsoluteError())),
            ],
        ),
        "sequence": (softmax(sequence), tags, False, [*sparse, ("logloss", {}, sparse_loss)]),
        "regression": (guesses, targets, False, errors),
        "regression_doubles": (guesses, targets.astype(np.float64), False, errors),
        "several_binary": (several, flags, False, [("auc", {}, Auc)]),
    }


def main(folder: Path) -> None:
    """Writes both files."""
    random = np.random.default_rng(11)
    ends = np.cumsum(ROWS)
    steps = [slice(end - rows, end) for end, rows in zip(ends, ROWS, strict=True)]
    held = next(index for index in range(len(ROWS)) if sum(ROWS[index:]) <= WINDOW)
    losses = random.gamma(1, 1, len(ROWS)).astype(np.float32)
    mean = k.Mean()
    mean.update_state(losses, sample_weight=np.array(ROWS, np.float32))
    tensors = {
        "rows": np.array(ROWS, np.int64),
        "loss": losses,
        "loss_mean": np.array([float(mean.result())]),
    }
    described = []
    for name, (predictions, labels, from_logits, metrics) in cases(random, int(ends[-1])).items():
        tensors[f"{name}/prediction"], tensors[f"{name}/label"] = predictions, labels
        for kind, _, make in metrics:
            total, window, values = make(), make(), []
            for index, step in enumerate(steps):
                total.update_state(labels[step], predictions[step])
                values.append(float(total.result()))
                if index >= held:
                    window.update_state(labels[step], predictions[step])
            tensors[f"{name}/{kind}"] = np.array(values)
            tensors[f"{name}/{kind}/window"] = np.array([float(window.result())])
        entries = [
            {"kind": kind, "name": kind, "output": "y", "from_logits": from_logits, **more}
            for kind, more, _ in metrics
        ]
        described.append(
            {
                "name": name,
                "shape": predictions.shape[1:],
                "label_shape": labels.shape[1:],
                "window": WINDOW,
                "metrics": entries,
            }
        )
    save_file(
        {name: np.ascontiguousarray(values) for name, values in tensors.items()},
        folder / "metrics.safetensors",
    )
    (folder / "metrics.json").write_text(json.dumps(described, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
