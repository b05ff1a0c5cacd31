"""Outputs: what a model predicts, by name, in the order of its structure's leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from streamgrad.columns import Column
from streamgrad.errors import ExportError
from streamgrad.inputs import Inputs
from streamgrad.names import unique
from streamgrad.where import failing_layer, frames_kept


def describe(model: Any, inputs: Inputs) -> list[Column]:
    """The outputs of a built model, found by calling it symbolically."""
    symbolic = inputs.pack(
        [
            keras.KerasTensor(
                (None, None) if column.ragged else (None, *column.shape),
                column.dtype,
                ragged=column.ragged,
                name=column.name,
            )
            for column in inputs.columns
        ]
    )
    try:
        with frames_kept():
            predicted = model.compute_output_spec(symbolic)
    except Exception as error:
        raise ExportError(f"{failing_layer(model, error)} cannot be called on the inputs: {error}") from error
    outputs = []
    for name, leaf in zip(_names(model, predicted), keras.tree.flatten(predicted), strict=True):
        shape = tuple(leaf.shape)
        if not shape or shape[0] is not None or any(size is None for size in shape[1:]):
            raise ExportError(
                f"output {name!r} has shape {shape}, but a bundle's outputs have one row for each row of the batch, "
                "and sizes that are known; keep the batch dimension first, and give the model's inputs their sizes"
            )
        outputs.append(Column(name, keras.backend.standardize_dtype(leaf.dtype), shape[1:]))
    return outputs


def _names(model: Any, predicted: Any) -> list[str]:
    leaves = keras.tree.flatten(predicted)
    if isinstance(predicted, Mapping) and len(predicted) == len(leaves):
        return [str(name) for name in keras.tree.flatten({name: name for name in predicted})]
    try:
        return unique(tensor._keras_history.operation.name for tensor in model.outputs)
    except AttributeError:
        return ["output"] if len(leaves) == 1 else [f"output_{i}" for i in range(len(leaves))]
