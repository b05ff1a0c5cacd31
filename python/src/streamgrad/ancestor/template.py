"""The template: writes a model of `tf.compat.v1` as the two files of the ancestor's format."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from streamgrad.ancestor.models import AncestorModel
from streamgrad.errors import ExportError

v1 = tf.compat.v1


def write(
    folder: str | os.PathLike[str],
    model: AncestorModel,
    *,
    batch_size: int | None = None,
    seed: int = 1,
    observe: Sequence[str] = ("loss", "accuracy"),
    gradients: bool = True,
) -> Path:
    """Writes `<name>.pb` and `<name>.json` into `folder`, and returns the JSON's path.

    `batch_size` is held by the graph if it is given; else the graph takes any number of rows. With `gradients` left
    out there are no `d-` nodes. `seed` decides the variables' initial values.
    """
    unknown = [name for name in observe if name not in ("loss", "accuracy")]
    if unknown:
        raise ExportError(f"the template has no endpoint {unknown[0]!r} to observe; it has loss and accuracy")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tf.Graph().as_default() as graph:
        # Of the graph: every initializer has a seed that follows from it, so that each session begins alike.
        v1.set_random_seed(seed)
        x = v1.placeholder(tf.float32, (batch_size, *model.input_row), "input_x")
        y = v1.placeholder(tf.float32, (batch_size, *model.output_row), "input_y")
        with v1.variable_scope("", use_resource=False):
            logits = model.logits(x)
        loss = tf.identity(_loss(logits, y), "loss")
        tf.identity(logits, "logits")
        tf.reduce_mean(tf.cast(_right(logits, y), tf.float32), name="accuracy")
        variables = v1.trainable_variables()
        v1.variables_initializer(variables, name="ws_init")
        if gradients:
            _add_gradients(loss, variables)
        names = [variable.op.name for variable in variables]
        (folder / f"{model.name}.pb").write_bytes(graph.as_graph_def().SerializeToString(deterministic=True))
    described = _described(model, variables, names, batch_size, observe, gradients)
    path = folder / f"{model.name}.json"
    path.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    return path


def _described(
    model: AncestorModel,
    variables: Sequence[Any],
    names: Sequence[str],
    batch_size: int | None,
    observe: Sequence[str],
    gradients: bool,
) -> Mapping[str, Any]:
    rows = batch_size or 32
    return {
        "other": {
            "model_name": model.name,
            "pb_path": f"{model.name}.pb",
            "dense": list(names),
            "gradient": [f"d-{name}" for name in names] if gradients else [],
            "observe": list(observe),
            "batch_size": rows,
            "input_size": [rows, *model.input_row],
            "output_size": [rows, *model.output_row],
            "class_num": model.output_row[-1],
            "learning_rate": model.learning_rate,
        },
        "dense_shape": {name: variable.shape.as_list() for name, variable in zip(names, variables, strict=True)},
    }


def _loss(logits: Any, y: Any) -> Any:
    if y.shape[-1] == 1:
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, logits))
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, logits))


def _right(logits: Any, y: Any) -> Any:
    if y.shape[-1] == 1:
        return tf.equal(tf.cast(logits > 0, tf.float32), y)
    return tf.equal(tf.argmax(logits, -1), tf.argmax(y, -1))


def _add_gradients(loss: Any, variables: Sequence[Any]) -> None:
    for variable, gradient in zip(variables, v1.gradients(loss, variables), strict=True):
        if gradient is None:
            raise ExportError(f"variable {variable.op.name!r} has no gradient: the loss does not depend on it")
        # Rows that were gathered have one gradient each; repeated ones are summed here.
        tf.identity(tf.convert_to_tensor(gradient), f"d-{variable.op.name}")
