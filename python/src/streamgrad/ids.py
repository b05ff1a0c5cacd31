"""Ids: the 64-bit number by which a table knows what a feature holds, the same as in Rust."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray


def fingerprint64(strings: ArrayLike) -> NDArray[np.uint64]:
    """The feature id of each string: FarmHash's `Fingerprint64`, as `tf.fingerprint` computes it.

    Text counts as UTF-8. The result has the shape of `strings`.
    """
    array = np.asarray(strings, dtype=object)
    words = array.ravel().tolist()
    other = [word for word in words if not isinstance(word, (str, bytes))]
    if other:
        raise TypeError(f"fingerprint64 takes strings, not {other[0]!r}; an integer is its own id")
    ids: NDArray[np.int64] = ids_of_tensor(tf.constant(words, tf.string)).numpy()
    return ids.view(np.uint64).reshape(array.shape)


def ids_of(values: ArrayLike) -> NDArray[np.uint64]:
    """The ids of integers of any type (negative ones as their two's complement in 64 bits) or of strings."""
    array = np.asarray(values)
    if array.dtype.kind in "OSU":
        return fingerprint64(array)
    refuse_other(array.dtype.name)
    return array.astype(np.uint64)


def refuse_other(dtype: str) -> None:
    """Raises `TypeError` for what is neither an integer nor a string."""
    if dtype != "string" and not np.issubdtype(np.dtype(dtype), np.integer):
        raise TypeError(f"ids are integers or strings, not {dtype}; give the input such a dtype")


def ids_of_tensor(values: Any) -> Any:
    """As `ids_of`, of a tensor; the 64 bits come as `int64`, which more of TensorFlow's ops take."""
    if values.dtype == tf.string:
        flat = tf.reshape(values, [-1])
        return tf.reshape(tf.bitcast(tf.fingerprint(flat), tf.int64), tf.shape(values))
    return tf.cast(values, tf.int64)
