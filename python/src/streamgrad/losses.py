"""Losses: what `model.compile(loss=...)` accepts, and what each loss says about its labels.

The loss of a bundle is Keras' own computation, traced; this module only finds the Keras objects, adds them up as
`compile` would, and knows for Keras' own losses which labels they take.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras.src.losses.losses import LossFunctionWrapper
from keras.src.utils.naming import get_object_name

from streamgrad.columns import Column
from streamgrad.errors import ExportError

_REGRESSION = {
    "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error",
    "huber", "log_cosh", "cosine_similarity", "poisson",
}  # fmt: skip
_POSITIVE = {"mean_squared_logarithmic_error", "poisson", "mean_absolute_percentage_error"}
_BINARY = {"binary_crossentropy", "binary_focal_crossentropy"}
_ONE_HOT = {"categorical_crossentropy", "categorical_focal_crossentropy", "categorical_hinge"}
_SPARSE = {"sparse_categorical_crossentropy"}
_HINGE = {"hinge", "squared_hinge"}
_UNIT = {"kl_divergence", "dice", "tversky"}


@dataclass(frozen=True)
class OutputLoss:
    """The loss of one output.

    `kind` is the name of Keras' function, or of the user's own. `labels` says what made-up labels must be:
    `binary`, `one_hot`, `class`, `sign`, `unit`, `positive` or `normal`.
    """

    loss: Any
    kind: str
    task: str
    from_logits: bool
    dtype: str
    shape: tuple[int, ...]
    range: tuple[float, float] | None
    labels: str


def describe(loss: Any, outputs: Sequence[Column]) -> dict[str, OutputLoss]:
    """The loss of each output that has one, by its name, in the outputs' order."""
    names = [output.name for output in outputs]
    per_output: list[Any]
    if isinstance(loss, Mapping) and "class_name" not in loss:
        unknown = sorted(set(loss) - set(names))
        if unknown:
            raise ExportError(f"loss is given for {unknown}, but the outputs are named {names}")
        per_output = [loss.get(name) for name in names]
    elif isinstance(loss, (list, tuple)):
        if len(loss) != len(names):
            raise ExportError(f"{len(loss)} losses are given for the {len(names)} outputs {names}; give one each")
        per_output = list(loss)
    else:
        per_output = [loss] * len(names)
    described = {
        output.name: _describe(one, output) for one, output in zip(per_output, outputs, strict=True) if one is not None
    }
    if not described:
        raise ExportError(f"no output has a loss, so there is no label to learn from; give one for any of {names}")
    return described


class Objective:
    """The sum of the outputs' losses, callable as the loss object that Keras' `compile` makes."""

    def __init__(self, losses: Mapping[str, OutputLoss], outputs: Sequence[str]) -> None:
        self._losses = {name: described.loss for name, described in losses.items()}
        self._outputs = outputs

    def __call__(self, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """A scalar for labels `y` (a tensor, or a dict by output) and predictions structured as the model's."""
        predictions = dict(zip(self._outputs, keras.tree.flatten(y_pred), strict=True))
        labels = y if isinstance(y, Mapping) else dict.fromkeys(self._losses, y)
        values = [
            keras.ops.cast(loss(labels[name], predictions[name], sample_weight), "float32")
            for name, loss in self._losses.items()
        ]
        return functools.reduce(lambda total, value: total + value, values)


def _describe(identifier: Any, output: Column) -> OutputLoss:
    loss = _instance(identifier, output)
    function = getattr(loss, "fn", None)
    arguments = dict(getattr(loss, "_fn_kwargs", {}))
    while isinstance(function, functools.partial):
        arguments = {**function.keywords, **arguments}
        function = function.func
    kind = getattr(function, "__name__", None) or type(loss).__name__
    if function is None or getattr(keras.losses, kind, None) is not function:
        # A loss of the user's own: labels as the output, unless the example says otherwise.
        name = getattr(loss, "name", None) or kind
        return OutputLoss(loss, str(name), "other", False, "float32", output.shape, None, "normal")
    if not (output.dtype.startswith("float") or output.dtype == "bfloat16"):
        raise ExportError(
            f"output {output.name!r} is {output.dtype}, which {kind} cannot take; it needs a float output"
        )
    logits = bool(arguments.get("from_logits", False))
    make = functools.partial(OutputLoss, loss, kind, from_logits=logits)
    elements = 1
    for dimension in output.shape:
        elements *= dimension
    if kind in _BINARY:
        task = "binary_classification" if elements == 1 else "other"
        return make(task=task, dtype="float32", shape=output.shape, range=(0, 1), labels="binary")
    if kind in _ONE_HOT | _SPARSE:
        axis = arguments.get("axis", -1)
        if not output.shape or axis not in (-1, len(output.shape)):
            raise ExportError(
                f"{kind} needs output {output.name!r} of shape (..., classes), and classes on the last axis"
            )
        task = "multiclass_classification" if len(output.shape) == 1 else "other"
        if kind in _ONE_HOT:
            return make(task=task, dtype="float32", shape=output.shape, range=(0, 1), labels="one_hot")
        ignored = arguments.get("ignore_class")
        highest = output.shape[-1] - 1
        bounds = (0, highest) if ignored is None else (min(0, int(ignored)), max(highest, int(ignored)))
        return make(task=task, dtype="int64", shape=output.shape[:-1], range=bounds, labels="class")
    if kind in _HINGE:
        return make(task="other", dtype="float32", shape=output.shape, range=(-1, 1), labels="sign")
    if kind in _UNIT:
        return make(task="other", dtype="float32", shape=output.shape, range=(0, 1), labels="unit")
    if kind in _REGRESSION:
        labels = "positive" if kind in _POSITIVE else "normal"
        return make(task="regression", dtype="float32", shape=output.shape, range=None, labels=labels)
    return make(task="other", dtype="float32", shape=output.shape, range=None, labels="normal")


def _instance(identifier: Any, output: Column) -> Any:
    """The `keras.losses.Loss` that `compile` would make of it."""
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        # `compile` looks at the labels to tell sparse from one-hot; there are none yet, so classes are numbers.
        binary = not output.shape or output.shape[-1] == 1
        identifier = "binary_crossentropy" if binary else "sparse_categorical_crossentropy"
    try:
        loss = keras.losses.get(identifier)
    except (ValueError, TypeError) as error:
        raise ExportError(f"{identifier!r} is no Keras loss: {error}") from error
    if isinstance(loss, keras.losses.Loss):
        if loss.reduction in (None, "none"):
            raise ExportError(
                f"the loss {loss.name!r} has no reduction and so is no scalar; use reduction='sum_over_batch_size'"
            )
        return loss
    return LossFunctionWrapper(loss, name=identifier if isinstance(identifier, str) else get_object_name(loss))
