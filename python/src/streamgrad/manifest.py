"""The manifest: `bundle.json`, field by field as the format's page describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from streamgrad.columns import Column, Filled, Label
from streamgrad.losses import OutputLoss
from streamgrad.tables import Table
from streamgrad.trace import Model, Traced
from streamgrad.weights import Weight

FORMAT = 1
"""The version of the format that this package writes."""

VERSION = "0.1.0"
"""The version of this package."""


def build(
    model: Model,
    traced: Traced,
    losses: Mapping[str, OutputLoss],
    optimizer: Mapping[str, Any],
    metrics: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The manifest without its `files`, which are known once they are written. `losses` are by output."""
    columns, weights, record = traced.columns, traced.weights, model.inputs.record
    return {
        "format": FORMAT,
        "name": model.keras.name,
        "versions": {"streamgrad": VERSION, "tensorflow": tf.__version__, "keras": keras.__version__},
        "files": {},
        "task": _task(losses),
        "features": [_feature(column, traced) for column in model.inputs.columns],
        **({"record": [_recorded(column) for column in record.columns.values()]} if record.columns else {}),
        "labels": [_label(label, columns) for label in model.labels],
        "weight": _filled(model.weight, columns) if model.weight else None,
        "outputs": [
            {**_column(output), "predict": traced.predict[output.name], "train": traced.train[output.name]}
            for output in model.outputs
        ],
        "loss": {
            "name": "+".join(dict.fromkeys(loss.kind for loss in losses.values())),
            "train": traced.train_loss,
            "evaluate": traced.evaluate_loss,
        },
        "parameters": [
            {**_weight(weight, weights), "gradient": traced.gradients[weight.name]} for weight in model.parameters
        ],
        "state": [
            {**_weight(weight, weights), "kind": weight.kind, "next": traced.next_state[weight.name]}
            for weight in model.others
            if weight.name in traced.next_state
        ]
        + [
            {"name": name, "kind": "moments", "dtype": "float64", "shape": [3, width]}
            for name, width in record.moments.items()
        ],
        "frozen": [_weight(weight, weights) for weight in model.others if weight.name not in traced.next_state],
        **({"tables": [_table(table, model.inputs.names(), traced) for table in model.tables]} if model.tables else {}),
        "optimizer": dict(optimizer),
        "metrics": [dict(metric) for metric in metrics],
    }


def _task(losses: Mapping[str, OutputLoss]) -> str:
    tasks = {loss.task for loss in losses.values()}
    return tasks.pop() if len(tasks) == 1 else "other"


def _column(column: Column) -> dict[str, Any]:
    return {"name": column.name, "dtype": column.dtype, "shape": list(column.shape)}


def _filled(column: Filled, tensors: Mapping[str, str]) -> dict[str, Any]:
    return {**_column(column), "fields": list(column.fields), "tensor": tensors[column.name]}


def _feature(column: Filled, traced: Traced) -> dict[str, Any]:
    ragged = {"ragged": True, "lengths": traced.lengths[column.name]} if column.ragged else {}
    if column.transform is None:
        return {**_filled(column, traced.columns), **ragged}
    tensor = traced.columns[column.name]
    return {**_column(column), "transform": column.transform.described(), "tensor": tensor, **ragged}


def _recorded(column: Filled) -> dict[str, Any]:
    marks = {"ragged": True} if column.ragged else {}
    return {
        **_column(column),
        "fields": list(column.fields),
        **({"optional": True} if column.optional else {}),
        **marks,
    }


def _table(table: Table, features: Sequence[str], traced: Traced) -> dict[str, Any]:
    return {
        **table.layer.spec,
        "rows": traced.rows[table.name],
        "gradient": traced.row_gradients[table.name],
        "features": [
            {"name": feature, "index": traced.places[table.name, feature]}
            for feature in features
            if (table.name, feature) in traced.places
        ],
    }


def _label(label: Label, tensors: Mapping[str, str]) -> dict[str, Any]:
    bounds = None if label.range is None else list(label.range)
    return {**_filled(label, tensors), "output": label.output, "range": bounds}


def _weight(weight: Weight, tensors: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": weight.name,
        "dtype": weight.dtype,
        "shape": list(weight.shape),
        "tensor": tensors[weight.name],
    }
