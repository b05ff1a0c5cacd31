"""The one function that users call."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from streamgrad import (
    bundle,
    check,
    graph,
    inputs,
    labels,
    losses,
    manifest,
    optimizers,
    outputs,
    preprocessing,
    rows,
    serving,
    tables,
    trace,
    weights,
)
from streamgrad.columns import refuse_shared_fields
from streamgrad.errors import ExportError
from streamgrad.fields import Cross, Field
from streamgrad.metrics import describe as describe_metrics

Fields = str | Sequence[str]
Declared = str | Field | Cross


def export(
    model: keras.Model,
    path: str | os.PathLike[str],
    *,
    loss: Any,
    optimizer: Any,
    metrics: Any = (),
    features: Mapping[str, Declared | Sequence[Declared]] | Declared | Sequence[Declared] | None = None,
    label: Fields | Mapping[str, Fields] = "label",
    sample_weight: bool | str = False,
    example: Any = None,
    signatures: serving.Signatures | None = None,
    overwrite: bool = False,
) -> None:
    """Writes a Keras model as a bundle: a folder from which a Streamgrad trainer learns and predicts.

    The rows of its tables go along, but not into the graph. Inputs may be ragged, with rows of single values.

    The graph that was written is run and compared with the model before the folder takes its place: loss, every
    gradient, new state and predictions, at 1, 7 and 64 rows. The model itself is left as it was.

    Args:
        model: A sequential, functional or subclassed model, with its initial or trained weights.
        path: The folder to make. It appears complete or not at all.
        loss: As `model.compile` takes it: a name, an instance, a function; for several outputs a dict or a list.
            Regularizers and `add_loss` of the model count in it.
        optimizer: A name or a fresh instance of SGD, Adagrad, RMSprop, Adam, AdamW, Ftrl, Adadelta, Nadam, Adamax or
            Lion. For groups of parameters a dict such as `{"embedding": "adagrad", ".*": "adam"}`: a key names a
            parameter or a layer, or is a regular expression of whole names; the first key that matches a parameter has
            it, and each must be matched. The last value is the bundle's default. Or Keras' own `MultiOptimizer`.
            A table (`streamgrad.layers.Embedding`) counts as a parameter of its name, unless it has its own optimizer.
        metrics: Names, instances or functions; for several outputs a dict. Accuracy, top-k, AUC, logloss, MAE, RMSE.
        features: The record's fields that fill each input: for each one field that holds the whole row, or one per
            element. By default an input is filled by a field of its own name. Without a dict for the only input.
            Instead of a name, `streamgrad.field` and `streamgrad.cross` say how the field is transformed. Layers
            `StringLookup` and `IntegerLookup` right behind an input are read from the model and become transforms, too.
        label: The record's field (or fields) with the label; for several outputs a dict by output.
        sample_weight: Whether records carry a weight, in the field `sample_weight` or in the one named here.
        example: A few rows, as the model is called with them, or a tuple `(x, y)` or `(x, y, sample_weight)`. Needed
            where inputs or labels cannot be known, or made up, from the model and the loss.
        signatures: Further signatures of what a trainer writes as a SavedModel: by name an output, or several.
            `serving_default` gives all outputs.
        overwrite: Whether a bundle that is already at `path` is replaced.

    Raises:
        ExportError: The model cannot be exported, or not with these arguments; says which part and what to do.
    """
    path = Path(path)
    _refuse_setting(model)
    with bundle.replacing(path, overwrite) as folder, contextlib.ExitStack() as kept:
        x, y, _ = rows.split_example(example)
        model, columns = kept.enter_context(preprocessing.taken_out(model, inputs.describe(model, features, x)))
        predicted = outputs.describe(model, columns)
        per_output = losses.describe(loss, predicted)
        learned = labels.describe(label, per_output, y)
        weight = labels.weight(sample_weight)
        others_filled = [*learned, *([weight] if weight else [])]
        refuse_shared_fields([*columns.given(), *others_filled])
        refuse_shared_fields([*columns.columns, *others_filled])
        parameters, others = weights.parameters_and_others(model)
        taken = [*(one.name for one in (*parameters, *others)), *columns.record.moments]
        rows_apart = tables.describe(model, taken)
        learning = {one.name: one.variable for one in parameters} | {one.name: one.layer.rows for one in rows_apart}
        own = {one.name: one.layer.optimizer for one in rows_apart if one.layer.optimizer is not None}
        rule = optimizers.describe(optimizer, learning, own)
        shown = describe_metrics(metrics, predicted, per_output, learned)
        objective = losses.Objective(per_output, [output.name for output in predicted])
        traceable = trace.Model(model, columns, predicted, learned, weight, objective, parameters, others, rows_apart)
        traced = trace.trace(traceable)
        graph_def = graph.finish(model, traced)
        described = manifest.build(traceable, traced, per_output, rule, shown)
        values = {one.name: np.asarray(one.variable.numpy()) for one in (*parameters, *others)}
        values.update({name: np.zeros((3, width)) for name, width in columns.record.moments.items()})
        served = serving.skeleton(graph_def, described, signatures)
        bundle.write(folder, graph_def, served, values, tables.trained(rows_apart), described)
        check.verify(traceable, bundle.read_graph(folder), described, per_output, example)


def _refuse_setting(model: Any) -> None:
    if keras.backend.backend() != "tensorflow":
        raise ExportError(
            f"Keras runs on {keras.backend.backend()}, but export traces TensorFlow; set KERAS_BACKEND=tensorflow"
        )
    if not isinstance(model, keras.Model):
        raise ExportError(f"export takes a keras.Model, not {type(model).__name__}")
    if keras.config.floatx() != "float32":
        raise ExportError(f"Keras computes in {keras.config.floatx()}; set keras.config.set_floatx('float32')")
    if model.dtype_policy.name == "mixed_float16":
        raise ExportError("mixed_float16 needs loss scaling, which a bundle cannot hold; use float32")
    if type(model).train_step is not keras.Model.train_step:
        raise ExportError(
            f"{type(model).__name__} overrides train_step, which a bundle cannot hold; express it as loss, add_loss or "
            "compute_loss"
        )
