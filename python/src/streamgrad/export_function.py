"""The function that users call for a model that is a TensorFlow function."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from streamgrad import bundle, check, function, graph, manifest, optimizers, rows, serving
from streamgrad.columns import refuse_shared_fields
from streamgrad.metrics import describe as describe_metrics


def export_function(
    fn: Callable[..., Any],
    path: str | os.PathLike[str],
    *,
    parameters: Mapping[str, Any],
    features: Mapping[str, Any],
    label: Any,
    optimizer: Any,
    metrics: Any = (),
    outputs: str | Sequence[str] | None = None,
    task: str = "other",
    from_logits: bool = False,
    name: str | None = None,
    signatures: serving.Signatures | None = None,
    overwrite: bool = False,
) -> None:
    """Writes a TensorFlow function as a bundle: a folder from which a Streamgrad trainer learns and predicts.

    `fn(parameters, features, label)` gives `(loss, predictions)`: a `float32` scalar, and a tensor, or a dict or list
    of them, with one row for each of the batch. `parameters` and `features` come as dicts of tensors by name. The
    function is pure: it makes no variables, draws no random numbers, and its predictions do not depend on the label.

    The graph that was written is run and compared with the function before the folder takes its place: loss, every
    gradient and predictions, at 1, 7 and 64 rows.

    Args:
        fn: The function. It is traced, so it is called a few times and must be of TensorFlow's ops.
        path: The folder to make. It appears complete or not at all.
        parameters: The initial value of each parameter by name, arrays of `float32`.
        features: By name a `tf.TensorSpec([None, ...])` or an array of a few rows; a tuple `(spec or array, fields)`
            where the record's fields have other names: one field that holds the whole row, or one per element.
        label: As one of `features`: the function gets the tensor, and the field is `label` unless fields are given. Or
            a dict by name: the function gets a dict. A label belongs to the output of its name, or to the first.
        optimizer: As `export` takes it; a key of a dict names a parameter, or a prefix of names that ends before a `/`.
        metrics: As `export` takes them, of what `task` has.
        outputs: The names of the predictions, where these are no dict; `output` by default.
        task: `binary_classification`, `multiclass_classification`, `regression` or `other`: what labels may be (of the
            first two, 0 and 1, class numbers or one-hot) and which metrics there are.
        from_logits: Whether metrics read the predictions as logits.
        name: The model's name; that of the function by default.
        signatures: As `export` takes them.
        overwrite: Whether a bundle that is already at `path` is replaced.

    Raises:
        ExportError: The function cannot be exported, or not with these arguments; says which part and what to do.
    """
    path = Path(path)
    single = not isinstance(label, Mapping)
    shown = name or str(getattr(fn, "__name__", type(fn).__name__))
    with bundle.replacing(path, overwrite) as folder:
        columns = function.columns_of(features, "features")
        labels = function.columns_of({"label": label} if single else label, "label")
        model, losses = function.describe(fn, shown, parameters, columns, labels, single, outputs, task, from_logits)
        refuse_shared_fields(model.columns())
        learning = {weight.name: weight.variable for weight in model.parameters}
        rule = optimizers.describe(optimizer, learning)
        computed = describe_metrics(metrics, model.outputs, losses, model.labels)
        traced = function.trace(model)
        graph_def = graph.finish(model.keras, traced)
        described = manifest.build(model, traced, losses, rule, computed)
        described["loss"]["name"] = shown
        values = {weight.name: weight.variable.numpy() for weight in model.parameters}
        served = serving.skeleton(graph_def, described, signatures)
        bundle.write(folder, graph_def, served, values, {}, described)
        given = {
            column.name: rows.cast(column, one.rows)
            for column in model.columns()
            if (one := {**columns, **labels}[column.name]).rows is not None
        }
        check.verify_rows(model, bundle.read_graph(folder), described, losses, given)
