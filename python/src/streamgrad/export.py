"""The one function that users call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from streamgrad import (
    bundle,
    check,
    graph,
    inputs,
    losses,
    manifest,
    metrics,
    optimizers,
    rows,
    trace,
    weights,
)
from streamgrad.columns import Column, Filled, Label, fields_of, refuse_shared_fields
from streamgrad.errors import ExportError
from streamgrad.names import unique

Fields = str | Sequence[str]


def export(
    model: keras.Model,
    path: str | os.PathLike[str],
    *,
    loss: Any,
    optimizer: Any,
    metrics: Any = (),
    features: Mapping[str, Fields] | Fields | None = None,
    label: Fields | Mapping[str, Fields] = "label",
    sample_weight: bool | str = False,
    example: Any = None,
    overwrite: bool = False,
) -> None:
    """Writes a Keras model as a bundle: a folder from which a Streamgrad trainer learns and predicts.

    The graph that was written is run and compared with the model before the folder takes its place: loss, every
    gradient, new state and predictions, at 1, 7 and 64 rows. The model itself is left as it was.

    Args:
        model: A sequential, functional or subclassed model, with its initial or trained weights.
        path: The folder to make. It appears complete or not at all.
        loss: As `model.compile` takes it: a name, an instance, a function; for several outputs a dict or a list.
            `None` when the model's own `add_loss` is all there is.
        optimizer: A name or a fresh instance of SGD, Adagrad, Adam or AdamW.
        metrics: Names, instances or functions; for several outputs a dict. Accuracy, top-k, AUC, logloss, MAE, RMSE.
        features: The record's fields that fill each input: for each one field that holds the whole row, or one per
            element. By default an input is filled by a field of its own name. Without a dict for the only input.
        label: The record's field (or fields) with the label; for several outputs a dict by output.
        sample_weight: Whether records carry a weight, in the field `sample_weight` or in the one named here.
        example: A few rows, as the model is called with them, or a tuple `(x, y)` or `(x, y, sample_weight)`. Needed
            where inputs or labels cannot be known, or made up, from the model and the loss.
        overwrite: Whether a bundle that is already at `path` is replaced.

    Raises:
        ExportError: The model cannot be exported, or not with these arguments; says which part and what to do.
    """
    path = Path(path)
    _refuse_setting(model)
    with bundle.replacing(path, overwrite) as folder:
        x, y, w = rows.split_example(example)
        columns = inputs.describe(model, features, x)
        _build(model, columns, x)
        outputs = _outputs(model, columns)
        per_output = _losses(loss, outputs)
        labels = _labels(label, per_output, y)
        weight = _weight(sample_weight)
        refuse_shared_fields([*columns.columns, *labels, *([weight] if weight else [])])
        objective = losses.Objective({name: one.loss for name, one in per_output.items()}, _names(outputs))
        parameters, others = weights.parameters_and_others(model)
        described_optimizer = optimizers.describe(
            optimizers.resolve(optimizer), {one.name: one.variable for one in parameters}
        )
        described_metrics = metrics_of(metrics, outputs, per_output, labels)
        traceable = trace.Model(
            model, columns, outputs, labels, weight, objective if per_output else None, parameters, others
        )
        traced = trace.trace(traceable)
        described = manifest.build(traceable, traced, per_output, described_optimizer, described_metrics)
        graph_def = graph.cleaned(
            traced.graph_def, traced.captures, manifest.endpoints(described), traced.placeholders.values()
        )
        values = {one.name: np.asarray(one.variable.numpy()) for one in (*parameters, *others)}
        bundle.write(folder, graph_def, values, described)
        _check(traceable, folder, described, per_output, (x, y, w))


metrics_of = metrics.describe


def _check(
    model: trace.Model,
    folder: Path,
    described: Mapping[str, Any],
    per_output: Mapping[str, losses.OutputLoss],
    example: tuple[Any, Any, Any],
) -> None:
    graph_def = bundle.read_graph(folder)
    largest = max(check.BATCHES)
    rest = [*model.labels, *([model.weight] if model.weight else [])]
    by_label = {label.name: per_output[label.output] for label in model.labels}
    given = _given(model, example)
    failure: Exception | None = None
    for batch in rows.made_up(model.keras, model.inputs.columns, rest, by_label, largest):
        batch.update({name: rows.repeated({name: values}, largest)[name] for name, values in given.items()})
        try:
            for size in check.BATCHES:
                check.compare(
                    model,
                    graph_def,
                    described,
                    rows.repeated(batch, size)
                    if size > largest
                    else {name: values[:size] for name, values in batch.items()},
                )
            return
        except (check.UnfitRows, tf.errors.OpError) as error:
            failure = error
    if len(given) == len(model.columns()):
        raise ExportError(f"the model fails on the rows of `example`: {failure}") from failure
    raise ExportError(
        f"no rows could be made up that the model takes ({failure}); give a few real ones as `example`, "
        "as a tuple (x, y)"
    ) from failure


def _given(model: trace.Model, example: tuple[Any, Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    x, y, w = example
    given = {}
    if x is not None:
        for column, values in zip(model.inputs.columns, model.inputs.rows(x), strict=True):
            given[column.name] = rows.cast(column, values)
    if y is not None:
        for label in model.labels:
            given[label.name] = rows.cast(label, _label_rows(y, label.output, len(model.labels)))
    if w is not None and model.weight:
        given[model.weight.name] = rows.cast(model.weight, w)
    counts = {name: len(values) for name, values in given.items()}
    if len(set(counts.values())) > 1:
        raise ExportError(f"`example` has columns of different length: {counts}")
    return given


def _label_rows(y: Any, output: str, labels: int) -> Any:
    if isinstance(y, Mapping):
        if output not in y:
            raise ExportError(f"`example` has no labels for output {output!r}; give them as a dict by output")
        return y[output]
    if labels > 1:
        raise ExportError("with several outputs, give the labels of `example` as a dict by output")
    return y


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


def _build(model: Any, columns: inputs.Inputs, x: Any) -> None:
    """Calls a model that nobody has called yet, so that it makes its variables."""
    if model.built and not any(layer for layer in model._flatten_layers() if not layer.built):
        return
    if x is None:
        raise ExportError(f"model {model.name!r} has not been built; call it once on rows, or give them as `example`")
    tensors = [tf.constant(values) for values in columns.rows(x)]
    model(columns.pack(tensors))


def _outputs(model: Any, columns: inputs.Inputs) -> list[Column]:
    symbolic = columns.pack(
        [keras.KerasTensor((None, *column.shape), dtype=column.dtype, name=column.name) for column in columns.columns]
    )
    try:
        predicted = model.compute_output_spec(symbolic)
    except Exception as error:
        raise ExportError(f"{trace._where(model, error)} cannot be traced: {error}") from error
    leaves = keras.tree.flatten(predicted)
    outputs = []
    for name, leaf in zip(_output_names(model, predicted), leaves, strict=True):
        shape = tuple(leaf.shape)
        if not shape or any(size is None for size in shape[1:]):
            raise ExportError(
                f"output {name!r} has shape {shape}, but a bundle's outputs have one row a record and sizes that are "
                "known; give the model's inputs fixed sizes, and keep the batch dimension first"
            )
        outputs.append(Column(name, keras.backend.standardize_dtype(leaf.dtype), shape[1:]))
    return outputs


def _output_names(model: Any, predicted: Any) -> list[str]:
    leaves = keras.tree.flatten(predicted)
    if isinstance(predicted, Mapping) and len(predicted) == len(leaves):
        return [str(name) for name in keras.tree.flatten({name: name for name in predicted})]
    try:
        return unique(tensor._keras_history.operation.name for tensor in model.outputs)
    except AttributeError:
        return ["output"] if len(leaves) == 1 else [f"output_{i}" for i in range(len(leaves))]


def _losses(loss: Any, outputs: Sequence[Column]) -> dict[str, losses.OutputLoss]:
    if loss is None:
        return {}
    resolved = losses.resolve(loss, outputs)
    return {output.name: one for output, one in zip(outputs, resolved, strict=True) if one is not None}


def _labels(label: Any, per_output: Mapping[str, losses.OutputLoss], y: Any) -> list[Label]:
    if isinstance(label, Mapping):
        unknown = sorted(set(label) - set(per_output))
        if unknown:
            raise ExportError(f"`label` names {unknown}, but the outputs with a loss are {list(per_output)}")
        missing = [name for name in per_output if name not in label]
        if missing:
            raise ExportError(f"`label` lacks the field of {missing}")
        fields = {name: fields_of(label[name]) for name in per_output}
    elif len(per_output) > 1:
        raise ExportError(
            f"the model has several outputs with a loss; give `label` as a dict by output: {[*per_output]}"
        )
    else:
        fields = {name: fields_of(label) for name in per_output}
    labels = []
    for output, one in per_output.items():
        name = fields[output][0] if len(fields[output]) == 1 else output if isinstance(label, Mapping) else "label"
        dtype, shape = one.dtype, one.shape
        if y is not None and one.range is None:
            array = np.asarray(_label_rows(y, output, len(per_output)))
            shape = array.shape[1:]
            dtype = "float32" if array.dtype.kind in "fb" else array.dtype.name
        labels.append(Label(name, dtype, shape, fields[output], output, one.range))
    return labels


def _weight(sample_weight: bool | str) -> Filled | None:
    if sample_weight is False:
        return None
    name = "sample_weight" if sample_weight is True else sample_weight
    return Filled(name, "float32", (), fields_of(name))


def _names(outputs: Sequence[Column]) -> list[str]:
    return [output.name for output in outputs]
