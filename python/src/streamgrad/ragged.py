"""Ragged rows: as arrays of arrays beside the arrays of other columns, and as tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from streamgrad.errors import ExportError

Array = np.ndarray[Any, Any]


def as_array(values: Any) -> Array:
    """The rows of an input; those of a ragged one as an array of arrays."""
    if isinstance(values, tf.RaggedTensor):
        if values.ragged_rank != 1 or values.values.shape.rank != 1:
            raise ExportError(f"`example` holds ragged rows of shape {values.shape}; a row is a list of single values")
        ends = values.row_splits.numpy()[1:-1]
        return ragged_rows(np.split(values.values.numpy(), ends))
    try:
        return np.asarray(values)
    except ValueError:
        # Lists of different lengths.
        return ragged_rows([np.asarray(row) for row in values])


def ragged_rows(rows: Iterable[Array]) -> Array:
    """An array of arrays, even where these are all of one length."""
    listed = list(rows)
    array = np.empty(len(listed), dtype=object)
    for place, row in enumerate(listed):
        # Not all at once: rows of one length would be taken for a matrix.
        array[place] = row
    return array


def as_tensor(values: Array, dtype: str | None = None) -> Any:
    """A tensor of rows, ragged if they are."""
    if not is_ragged(values):
        return tf.constant(values, dtype)
    return tf.RaggedTensor.from_row_lengths(tf.constant(flat_rows(values), dtype), lengths(values))


def flat_rows(rows: Array) -> Array:
    """The values of rows, of ragged ones those of all rows one after the other."""
    return np.concatenate(list(rows)) if is_ragged(rows) else rows


def lengths(rows: Array) -> Array:
    """How many values each of ragged rows has."""
    return np.array([len(row) for row in rows], np.int64)


def flat_values(tensor: Any) -> Any:
    """The same of a tensor."""
    return tensor.values if isinstance(tensor, tf.RaggedTensor) else tensor


def is_ragged(values: Array) -> bool:
    """Whether it is an array of arrays."""
    return values.dtype == object and values.ndim == 1 and len(values) > 0 and isinstance(values[0], np.ndarray)
