"""Preprocessing: Keras' lookups right behind an input, taken out of the model and made transforms.

A graph cannot hold their tables. `Normalization`, `Discretization` and `Hashing` are ops of the graph and stay there.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.models.functional import Functional

from streamgrad import transforms
from streamgrad.columns import Filled
from streamgrad.errors import ExportError
from streamgrad.fields import lookup
from streamgrad.inputs import Inputs, symbolic_inputs
from streamgrad.ragged import Array
from streamgrad.record import Record
from streamgrad.transforms import Step, Transform
from streamgrad.where import named

LAYERS = (keras.layers.StringLookup, keras.layers.IntegerLookup)

ROWS = 64
"""The rows on which a layer and its transform are compared."""


@contextlib.contextmanager
def taken_out(model: Any, inputs: Inputs) -> Iterator[tuple[Any, Inputs]]:
    """The model without such layers, and its inputs with transforms instead; both as they were if it has none.

    The layers in between are the model's own: what is added to them is removed at the end.
    """
    found = _found(model, inputs)
    if not found:
        yield model, inputs
        return
    layers = list(model._flatten_layers(include_self=True))
    nodes = [(layer, len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in layers]
    try:
        columns, tensors, record = [], [], Record(dict(inputs.record.columns), dict(inputs.record.moments))
        for column, tensor in zip(inputs.columns, keras.tree.flatten(symbolic_inputs(model)), strict=True):
            layer, after, steps = found.get(column.name, (None, tensor, ()))
            tensors.append(after)
            columns.append(column if layer is None else _made(column, after, steps, record))
            if layer is not None:
                _compare(model, layer, column, columns[-1], steps)
        outputs = model.outputs[0] if isinstance(model, keras.Sequential) else model.output
        rest = keras.Model(tensors, outputs, name=model.name)
        yield rest, Inputs(columns, [None] * len(columns), record, inputs)
    finally:
        for layer, inbound, outbound in nodes:
            del layer._inbound_nodes[inbound:], layer._outbound_nodes[outbound:]


def take_rows(inputs: Inputs, batch: dict[str, Array]) -> None:
    """Does what was taken out to the rows of the user's inputs, in place."""
    if inputs.before is None:
        return
    after = {column.name: column for column in inputs.columns}
    for column in inputs.before.columns:
        made = after[column.name]
        if made is not column and made.transform is not None:
            steps = made.transform.steps[len(column.transform.steps) if column.transform else 0 :]
            batch[column.name] = _rows(column, made, steps, batch[column.name])


def _rows(column: Filled, made: Filled, steps: tuple[Step, ...], rows: Array) -> Array:
    own = Filled(column.name, column.dtype, column.shape, (column.name,), ragged=column.ragged)
    alone = replace(made, transform=Transform((column.name,), steps))
    try:
        return transforms.feature(alone, {column.name: own}, {column.name: rows})
    except transforms.Refused as error:
        raise ExportError(
            f"`example` holds values for {column.name!r} that its layer does not take: {error}"
        ) from error


def _made(column: Filled, after: Any, steps: tuple[Step, ...], record: Record) -> Filled:
    """The feature that takes an input's place: what the layer made of it."""
    if column.transform is None:
        record.add(replace(column))
        transform = Transform((column.name,), steps)
    else:
        transform = replace(column.transform, steps=(*column.transform.steps, *steps))
    shape = () if column.ragged else tuple(int(size) for size in after.shape[1:])
    dtype = keras.backend.standardize_dtype(after.dtype)
    return Filled(column.name, dtype, shape, (), ragged=column.ragged, transform=transform)


def _found(model: Any, inputs: Inputs) -> dict[str, tuple[Any, Any, tuple[Step, ...]]]:
    """By input the layer that alone reads it, what that makes of it, and the steps that do the same."""
    if type(model) not in (Functional, keras.Sequential):
        return {}
    functional = model if isinstance(model, Functional) else model._functional
    if functional is None:
        return {}
    found = {}
    for column, tensor in zip(inputs.columns, keras.tree.flatten(symbolic_inputs(model)), strict=True):
        readers = [
            node
            for nodes in functional._nodes_by_depth.values()
            for node in nodes
            if not node.is_input and any(one is tensor for one in node.arguments.keras_tensors)
        ]
        if len(readers) != 1 or not isinstance(readers[0].operation, LAYERS):
            continue
        steps, after = _steps(readers[0].operation, column), readers[0].outputs[0]
        if steps and _fits(column, after, steps):
            found[column.name] = (readers[0].operation, after, steps)
    return found


def _fits(column: Filled, after: Any, steps: tuple[Step, ...]) -> bool:
    """Whether what follows was built for as many values as the steps make: of scalars, some layers say it wrongly."""
    own = Filled(column.name, column.dtype, column.shape, (column.name,), ragged=column.ragged)
    _, width = transforms.gives(Transform((column.name,), steps), {column.name: own})
    return column.ragged or (after.shape[0] is None and math.prod(after.shape[1:]) == width)


def _steps(layer: Any, column: Filled) -> tuple[Step, ...]:
    """The steps that do what the layer does to this input; none where the layer has to stay."""
    mode, numbers = layer.output_mode, column.dtype != "string"
    together = mode in ("multi_hot", "count")
    if getattr(layer, "sparse", False) or (together and len(column.shape) != 1) or (column.ragged and mode != "int"):
        return ()
    if column.dtype == "uint64" or mode not in ("int", "one_hot", "multi_hot", "count"):
        return ()
    if mode == "one_hot" and math.prod(column.shape) != 1:
        return ()
    if layer.invert or getattr(layer, "salt", None) is not None or column.dtype.startswith("float"):
        return ()
    if numbers and layer.num_oov_indices > 1 and getattr(layer, "oov_method", "floormod") != "floormod":
        return ()
    tokens = layer.get_vocabulary(include_special_tokens=False)
    step = lookup(f"layer {layer.name!r}", tokens, layer.num_oov_indices, layer.mask_token)
    depth = layer.max_tokens if layer.pad_to_max_tokens else layer.vocabulary_size()
    return (step,) if mode == "int" else (step, {"kind": mode, "depth": int(depth)})


def _compare(model: Any, layer: Any, column: Filled, made: Filled, steps: tuple[Step, ...]) -> None:
    """Runs layer and transform side by side; they must give the same bits."""
    own = Filled(column.name, column.dtype, column.shape, (column.name,), ragged=column.ragged)
    rows = transforms.made_up(np.random.default_rng(7), own, [Transform((column.name,), steps)], ROWS)
    if column.ragged:
        # The layer works on values; how these make rows is the same before and after.
        own, rows = replace(own, ragged=False), np.concatenate(list(rows))
    alone = replace(made, transform=Transform((column.name,), steps), ragged=False)
    ours = transforms.feature(alone, {column.name: own}, {column.name: rows})
    tensor = tf.constant(rows.tolist(), tf.string, rows.shape) if column.dtype == "string" else tf.constant(rows)
    theirs = np.asarray(layer(tensor))
    # Lookups count in int64 where their spec says float32; whatever follows was built for the spec.
    if not np.array_equal(ours, theirs):
        raise ExportError(
            f"{named(model, layer)} gives something else than the transform that shall take its place; use "
            "streamgrad.field in `features` instead"
        )
