"""Labels and weight: the columns that only learning needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamgrad.columns import Filled, Label, fields_of
from streamgrad.errors import ExportError
from streamgrad.losses import OutputLoss


def describe(label: Any, losses: Mapping[str, OutputLoss], y: Any) -> list[Label]:
    """One label for each output with a loss; `y` are the labels of the example, or `None`.

    A label of one field has the field's name, another the name of its output.
    """
    labels = []
    for output, fields in _fields(label, losses).items():
        loss = losses[output]
        name = fields[0] if len(fields) == 1 else output if isinstance(label, Mapping) else "label"
        dtype, shape = loss.dtype, loss.shape
        if y is not None and loss.range is None:
            # A loss that says nothing of its labels: they are what the example has.
            array = np.asarray(rows(y, output, len(losses)))
            dtype, shape = ("float32" if array.dtype.kind in "fb" else array.dtype.name), array.shape[1:]
        labels.append(Label(name, dtype, shape, fields, output, loss.range))
    return labels


def weight(sample_weight: bool | str) -> Filled | None:
    """The column of the sample weight, named as its field."""
    if sample_weight is False or sample_weight is None:
        return None
    name = "sample_weight" if sample_weight is True else sample_weight
    return Filled(name, "float32", (), fields_of(name))


def rows(y: Any, output: str, labels: int) -> Any:
    """The labels of one output, in an example for `labels` of them."""
    if isinstance(y, Mapping):
        if output not in y:
            raise ExportError(f"`example` has no labels for output {output!r}; give them as a dict by output")
        return y[output]
    if labels > 1:
        raise ExportError("with several outputs, give the labels of `example` as a dict by output")
    return y


def _fields(label: Any, losses: Mapping[str, OutputLoss]) -> dict[str, tuple[str, ...]]:
    if label is None:
        raise ExportError("`label` is None; name the field of a record that holds the label")
    if isinstance(label, Mapping):
        unknown = sorted(set(label) - set(losses))
        if unknown:
            raise ExportError(f"`label` names {unknown}, but the outputs with a loss are {list(losses)}")
        missing = [name for name in losses if name not in label]
        if missing:
            raise ExportError(f"`label` lacks the field of {missing}")
        return {name: fields_of(label[name]) for name in losses}
    if len(losses) > 1:
        raise ExportError(
            f"the model has several outputs with a loss; give `label` as a dict by output: {list(losses)}"
        )
    return {name: fields_of(label) for name in losses}
