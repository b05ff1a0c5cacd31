"""Combiners: several rows become one, as `tf.nn.embedding_lookup_sparse` defines sum, mean and sqrtn."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

COMBINERS = (None, "sum", "mean", "sqrtn")
"""What a table can be asked for: every row by itself, or one for each row of the batch."""


def combine(combiner: str, rows: Any, weights: Any, splits: Any = None) -> Any:
    """Reduces the axis of ids; what has no ids, or no weight, gives zeros.

    Without `splits`, `rows` are `[..., ids, dim]` and `weights` `[..., ids]`. With them, `rows` are `[values, dim]` and
    `weights` `[values]` of ragged rows, which begin at `splits`. `weights` may be `None`: each counts one.
    """
    if splits is None:
        length = rows.shape[-2] if rows.shape[-2] is not None else tf.shape(rows)[-2]
        segments = None
    else:
        length = tf.expand_dims(splits[1:] - splits[:-1], -1)
        # The row of each value; `value_rowids` takes as much time as there are rows times the longest of them.
        values = tf.range(tf.shape(rows, tf.int64)[0])
        segments = tf.searchsorted(splits, values, side="right") - 1, tf.shape(splits)[0] - 1

    def total(values: Any) -> Any:
        return tf.reduce_sum(values, -2) if segments is None else tf.math.unsorted_segment_sum(values, *segments)

    if weights is None:
        if combiner == "sum":
            return total(rows)
        count = tf.cast(length, tf.float32)
        return tf.math.divide_no_nan(total(rows), count if combiner == "mean" else tf.sqrt(count))
    weights = tf.expand_dims(tf.cast(weights, tf.float32), -1)
    summed = total(rows * weights)
    if combiner == "sum":
        return summed
    if combiner == "mean":
        return tf.math.divide_no_nan(summed, total(weights))
    squares = total(weights * weights)
    # No root of zero, whose gradient is infinite.
    return summed / tf.sqrt(tf.where(squares > 0, squares, 1.0))
