"""Metrics: the Keras metrics that the core computes, and the list that any other is refused with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras.src.utils.naming import to_snake_case

from streamgrad.columns import Column, Label
from streamgrad.errors import ExportError
from streamgrad.losses import OutputLoss
from streamgrad.names import unique

_KINDS = {
    "accuracy": "accuracy",
    "acc": "accuracy",
    "binary_accuracy": "accuracy",
    "categorical_accuracy": "accuracy",
    "sparse_categorical_accuracy": "accuracy",
    "top_k": "top_k",
    "top_k_categorical_accuracy": "top_k",
    "sparse_top_k_categorical_accuracy": "top_k",
    "auc": "auc",
    "logloss": "logloss",
    "crossentropy": "logloss",
    "ce": "logloss",
    "bce": "logloss",
    "binary_crossentropy": "logloss",
    "categorical_crossentropy": "logloss",
    "sparse_categorical_crossentropy": "logloss",
    "mae": "mae",
    "mean_absolute_error": "mae",
    "rmse": "rmse",
    "root_mean_squared_error": "rmse",
}

_CLASSES: dict[type, str] = {
    keras.metrics.BinaryAccuracy: "accuracy",
    keras.metrics.CategoricalAccuracy: "accuracy",
    keras.metrics.SparseCategoricalAccuracy: "accuracy",
    keras.metrics.TopKCategoricalAccuracy: "top_k",
    keras.metrics.SparseTopKCategoricalAccuracy: "top_k",
    keras.metrics.AUC: "auc",
    keras.metrics.BinaryCrossentropy: "logloss",
    keras.metrics.CategoricalCrossentropy: "logloss",
    keras.metrics.SparseCategoricalCrossentropy: "logloss",
    keras.metrics.MeanAbsoluteError: "mae",
    keras.metrics.RootMeanSquaredError: "rmse",
}

# Settings that the core computes; any other value of them is another metric.
_KEPT: dict[type, dict[str, Any]] = {
    keras.metrics.BinaryAccuracy: {"threshold": 0.5},
    keras.metrics.SparseTopKCategoricalAccuracy: {"from_sorted_ids": False},
    keras.metrics.AUC: {
        "num_thresholds": 200, "curve": "ROC", "summation_method": "interpolation", "multi_label": False,
        "num_labels": None, "label_weights": None,
    },
    keras.metrics.BinaryCrossentropy: {"label_smoothing": 0},
    keras.metrics.CategoricalCrossentropy: {"label_smoothing": 0, "axis": -1},
    keras.metrics.SparseCategoricalCrossentropy: {"axis": -1},
}  # fmt: skip

_KNOWN = (
    "accuracy (binary_accuracy, categorical_accuracy, sparse_categorical_accuracy), top_k_categorical_accuracy "
    "(sparse_top_k_categorical_accuracy), auc, logloss (binary_crossentropy, categorical_crossentropy, "
    "sparse_categorical_crossentropy), mae, rmse"
)


def describe(
    metrics: Any, outputs: Sequence[Column], losses: Mapping[str, OutputLoss], labels: Sequence[Label]
) -> list[dict[str, Any]]:
    """The manifest's `metrics`, in the order given. `losses` are by output."""
    labelled = {label.output: label for label in labels}
    by_name = {output.name: output for output in outputs}
    entries = []
    for output, metric in _per_output(metrics, [output.name for output in outputs]):
        if output not in labelled:
            raise ExportError(f"a metric is given for output {output!r}, which has no loss and so no label")
        entries.append(_describe(metric, by_name[output], losses[output]))
    several = len({entry["output"] for entry in entries}) > 1
    shown = [f"{entry['output']}_{entry['name']}" if several else entry["name"] for entry in entries]
    for entry, name in zip(entries, unique(shown), strict=True):
        entry["name"] = name
    return entries


def _per_output(metrics: Any, outputs: Sequence[str]) -> list[tuple[str, Any]]:
    if metrics is None:
        return []
    if isinstance(metrics, Mapping):
        unknown = sorted(set(metrics) - set(outputs))
        if unknown:
            raise ExportError(f"metrics are given for {unknown}, but the outputs are named {list(outputs)}")
        return [(output, metric) for output in outputs for metric in _listed(metrics.get(output, ()))]
    if len(outputs) == 1:
        return [(outputs[0], metric) for metric in _listed(metrics)]
    if not metrics:
        return []
    if not isinstance(metrics, (list, tuple)) or len(metrics) != len(outputs):
        raise ExportError(f"with several outputs, give metrics as a dict by output: {list(outputs)}")
    return [(output, one) for output, ones in zip(outputs, metrics, strict=True) for one in _listed(ones)]


def _listed(metrics: Any) -> list[Any]:
    if metrics is None:
        return []
    return list(metrics) if isinstance(metrics, (list, tuple)) else [metrics]


def _describe(metric: Any, output: Column, loss: OutputLoss) -> dict[str, Any]:
    kind, name, settings = _identify(metric)
    # Errors of numbers are those of the output as it is, in Keras too.
    logits = kind not in ("mae", "rmse") and (bool(settings.get("from_logits", False)) or loss.from_logits)
    if isinstance(metric, keras.metrics.BinaryAccuracy) and loss.from_logits:
        # On logits, Keras' threshold of one half would be a probability of 0.62.
        if settings["threshold"] != 0:
            raise ExportError(
                f"metric {name!r} compares logits with {settings['threshold']}; use 'accuracy', or threshold=0"
            )
        settings["threshold"] = 0.5
    for setting, kept in _KEPT.get(type(metric), {}).items():
        if setting in settings and settings[setting] != kept:
            raise ExportError(
                f"metric {name!r} with {setting}={settings[setting]!r} is not among those the core computes; "
                f"use {setting}={kept!r}"
            )
    _refuse_misfit(kind, name, output, loss)
    entry: dict[str, Any] = {"kind": kind, "name": name, "output": output.name, "from_logits": logits}
    if kind == "top_k":
        entry["k"] = int(settings.get("k", 5))
        if not 1 <= entry["k"] <= output.shape[-1]:
            raise ExportError(f"metric {name!r} has k={entry['k']}, but output {output.name!r} has {output.shape[-1]}")
    return entry


def _identify(metric: Any) -> tuple[str, str, dict[str, Any]]:
    """Kind, name as shown, settings."""
    if isinstance(metric, type):
        metric = metric()
    if isinstance(metric, str):
        key = metric if metric in _KINDS else to_snake_case(metric)
        if key in _KINDS:
            return _KINDS[key], metric, {}
    elif type(metric) in _CLASSES:
        if getattr(metric, "_init_from_thresholds", False):
            raise ExportError(f"metric {metric.name!r} with thresholds of its own is not among those the core computes")
        # Keras counts the AUCs of a process: `auc_3` is one that nobody gave a name.
        name = "auc" if re.fullmatch(r"auc_\d+", metric.name) else metric.name
        return _CLASSES[type(metric)], name, dict(metric.get_config())
    else:
        name = getattr(metric, "__name__", None)
        if name in _KINDS and getattr(keras.metrics, name, None) is metric:
            return _KINDS[name], name, {}
    shown = metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)
    raise ExportError(f"metric {shown!r} is not among those the core computes: {_KNOWN}")


def _refuse_misfit(kind: str, name: str, output: Column, loss: OutputLoss) -> None:
    binary = loss.task == "binary_classification"
    classes = loss.labels in ("one_hot", "class") and output.shape[-1] > 1
    crossentropy = loss.kind.endswith("crossentropy")
    numbers = loss.labels != "class"
    needs = {
        "accuracy": (binary or classes, "a crossentropy loss, and one value or one per class"),
        "logloss": ((binary or classes) and crossentropy, "a crossentropy loss, and one value or one per class"),
        "top_k": (classes, "a categorical crossentropy loss"),
        "auc": (binary, "a binary crossentropy loss, and one value a row"),
        "mae": (numbers, "labels of the shape of the output"),
        "rmse": (numbers, "labels of the shape of the output"),
    }
    fits, what = needs[kind]
    if not fits:
        raise ExportError(f"metric {name!r} on output {output.name!r} needs {what}, not {loss.kind}")
