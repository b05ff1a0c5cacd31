"""Rows: batches for the self-check, from the user's example or made up within what layers and loss allow."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from streamgrad import labels, preprocessing, ragged, transforms
from streamgrad.columns import Filled, Label
from streamgrad.errors import ExportError
from streamgrad.inputs import Inputs
from streamgrad.losses import OutputLoss
from streamgrad.trace import Model

Batch = dict[str, np.ndarray[Any, Any]]


def split_example(example: Any) -> tuple[Any, Any, Any]:
    """`x`, or a tuple `(x, y)` or `(x, y, sample_weight)` as Keras' own `fit` takes it, as features, labels, weight."""
    if not isinstance(example, tuple):
        return example, None, None
    if not 1 <= len(example) <= 3:
        raise ExportError("`example` is rows x, or a tuple (x, y) or (x, y, sample_weight)")
    padded = (*example, None, None)
    return padded[0], padded[1], padded[2]


def given(model: Model, example: tuple[Any, Any, Any]) -> Batch:
    """The columns that an example has, as arrays of their dtype and shape, all of one length."""
    x, y, weight = example
    batch: Batch = {}
    if x is not None:
        before = model.inputs.before or model.inputs
        for column, values in zip(before.columns, before.rows(x), strict=True):
            batch[column.name] = cast(column, values)
        preprocessing.take_rows(model.inputs, batch)
    if y is not None:
        for label in model.labels:
            batch[label.name] = cast(label, labels.rows(y, label.output, len(model.labels)))
    if weight is not None:
        if model.weight is None:
            raise ExportError("`example` has sample weights, but the bundle has none; give sample_weight=True")
        batch[model.weight.name] = cast(model.weight, weight)
    counts = {name: len(values) for name, values in batch.items()}
    if len(set(counts.values())) > 1:
        raise ExportError(f"`example` has columns of different length: {counts}")
    return batch


def cast(column: Filled, values: Any) -> np.ndarray[Any, Any]:
    """The values of a column as an array of its dtype and shape, or an error that names the column."""
    array = ragged.as_array(values)
    if column.ragged:
        if not len(array) or (array.ndim == 1 and not ragged.is_ragged(array)):
            raise ExportError(f"`example` holds no ragged rows for {column.name!r}; give a list of values for each row")
        ends = np.cumsum([len(row) for row in array])[:-1]
        single = Filled(column.name, column.dtype, (), column.fields)
        flat = np.concatenate(list(array))
        return ragged.ragged_rows(np.split(cast(single, flat) if flat.size else flat.astype(column.dtype), ends))
    if column.dtype == "string":
        array = array.astype(object)
    elif array.dtype.kind in "OSU":
        raise ExportError(f"`example` holds {array.dtype} for {column.name!r}, which is {column.dtype}")
    else:
        exact, array = array, array.astype(column.dtype)
        if array.dtype.kind in "iub" and not np.array_equal(exact, array):
            raise ExportError(f"`example` holds values for {column.name!r} that are not {column.dtype}")
    if array.ndim == len(column.shape) and column.shape and column.shape[-1] == 1:
        array = array[..., np.newaxis]
    if array.ndim != len(column.shape) + 1 or array.shape[1:] != column.shape or not len(array):
        raise ExportError(
            f"`example` holds shape {array.shape} for {column.name!r}, whose rows have shape {column.shape}; "
            "give at least one row of that shape, with the batch dimension first"
        )
    bounds = column.range if isinstance(column, Label) else None
    if bounds and not (bounds[0] <= np.min(array) and np.max(array) <= bounds[1]):
        raise ExportError(
            f"`example` holds labels for {column.name!r} outside of {list(bounds)}, which its loss allows"
        )
    return array


def repeated(batch: Mapping[str, np.ndarray[Any, Any]], rows: int) -> Batch:
    """As many rows as asked for, the given ones in turn."""
    return {name: np.take(values, np.arange(rows) % len(values), axis=0) for name, values in batch.items()}


def made_up(model: Model, losses: Mapping[str, OutputLoss], rows: int) -> Iterator[Batch]:
    """Several tries at rows that the model can take: numbers around zero first, then small whole numbers."""
    bound = _ids(model.keras)
    for whole in (False, True):
        random = np.random.default_rng(7)
        # Tables take any id: enough of them that rows differ, few enough that they repeat.
        few = 20 if model.tables and not whole else 2
        batch = _features(
            model.inputs, rows, functools.partial(_feature, random, bound=bound, whole=whole, few=few), random
        )
        batch.update({label.name: _label(random, label, rows, losses[label.output]) for label in model.labels})
        if model.weight:
            batch[model.weight.name] = random.uniform(0.5, 1.5, rows).astype("float32")
        yield batch


def _features(
    inputs: Inputs, rows: int, plain: Callable[[Filled, int], np.ndarray[Any, Any]], random: np.random.Generator
) -> Batch:
    """Plain features as they come; the others made of a record by their transforms."""
    made = [column.transform for column in inputs.columns if column.transform is not None]
    record = inputs.record.columns
    raw = {name: transforms.made_up(random, column, made, rows) for name, column in record.items()}
    return {
        column.name: plain(column, rows) if column.transform is None else transforms.feature(column, record, raw)
        for column in inputs.columns
    }


def _ids(model: Any) -> int | None:
    """How many ids every table-like layer of the model accepts, or `None` without such a layer."""
    sizes = []
    for layer in model._flatten_layers():
        for attribute in ("input_dim", "num_tokens"):
            size = getattr(layer, attribute, None)
            if isinstance(size, int) and isinstance(layer, (keras.layers.Embedding, keras.layers.CategoryEncoding)):
                sizes.append(size)
    return min(sizes) if sizes else None


def _feature(
    random: np.random.Generator, column: Filled, rows: int, bound: int | None, whole: bool, few: int
) -> np.ndarray[Any, Any]:
    shape = (rows, *column.shape)
    if column.ragged:
        # Columns of one model may go together, ids and their weights: their rows are of one length each.
        lengths = 1 + np.arange(rows) % 4 if whole else (2 + np.arange(rows) * 3) % 5
        single = Filled(column.name, column.dtype, (), column.fields)
        flat = _feature(random, single, int(lengths.sum()), bound, whole, few)
        return ragged.ragged_rows(np.split(flat, np.cumsum(lengths)[:-1]))
    if column.dtype == "string":
        words = np.array([f"word {i}" for i in range(50)], dtype=object)
        return words[random.integers(0, len(words), shape)]
    if column.dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if column.dtype.startswith("complex"):
        return (random.normal(size=shape) + 1j * random.normal(size=shape)).astype(column.dtype)
    if "float" in column.dtype:
        if not whole:
            return random.normal(size=shape).astype(column.dtype)
        values = random.integers(0, bound, shape) if bound else random.uniform(0.05, 1, shape)
        return values.astype(column.dtype)
    highest = bound or (256 if column.dtype == "uint8" and not whole else few)
    return random.integers(0, min(highest, np.iinfo(column.dtype).max), shape).astype(column.dtype)


def _label(random: np.random.Generator, column: Filled, rows: int, loss: OutputLoss) -> np.ndarray[Any, Any]:
    shape = (rows, *column.shape)
    match loss.labels:
        case "binary":
            values: Any = random.integers(0, 2, shape)
        case "sign":
            values = random.integers(0, 2, shape) * 2 - 1
        case "unit":
            values = random.uniform(0.05, 0.95, shape)
        case "positive":
            values = random.uniform(0.5, 3, shape)
        case "class":
            assert loss.range is not None
            values = random.integers(0, int(loss.range[1]) + 1, shape)
        case "one_hot":
            values = np.eye(shape[-1])[random.integers(0, shape[-1], shape[:-1])]
        case _ if "float" not in column.dtype:
            values = random.integers(0, 2, shape)
        case _:
            values = random.normal(size=shape)
    return np.asarray(values).astype(column.dtype)
