"""Transforms: from a record's columns to a feature, as a bundle describes it and as TensorFlow and NumPy compute it.

The trainers and predictors of a bundle compute the same in Rust. This is what they are compared with, and what the
self-check feeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from streamgrad.columns import Filled
from streamgrad.errors import ExportError
from streamgrad.ragged import flat_rows, is_ragged, lengths, ragged_rows

Array = np.ndarray[Any, Any]
Step = dict[str, Any]
"""One entry of `steps`, as the bundle has it."""

Moments = Mapping[str, Array]
"""By name of the state `[3, width]`: counts, means, sums of squared deviations."""

GAP = np.iinfo(np.int64).min
"""The integer that says that it is missing; in columns of `int32` it is the lowest of these."""

ELEMENTWISE = {
    "default", "missing", "clip", "log", "log1p", "standardize", "running_standardize", "min_max", "bucketize", "hash",
    "vocabulary",
}  # fmt: skip
"""The steps that make one value of each."""

EPSILON = 1e-7
"""The least standard deviation that is divided by: `keras.backend.epsilon()`."""


class Refused(ValueError):
    """A value cannot be transformed."""


@dataclass(frozen=True)
class Transform:
    """Columns, by name, and other transforms side by side in a row, or crossed into buckets; then steps."""

    of: tuple[str | Transform, ...]
    steps: tuple[Step, ...] = ()
    cross: int | None = None

    def described(self) -> dict[str, Any]:
        """As the manifest has it."""
        of = [one if isinstance(one, str) else one.described() for one in self.of]
        steps = [{key: value for key, value in step.items() if value is not None} for step in self.steps]
        return {"of": of, **({} if self.cross is None else {"cross": self.cross}), "steps": steps}

    def columns(self) -> list[str]:
        """The columns that it reads, however deep."""
        return [name for one in self.of for name in ([one] if isinstance(one, str) else one.columns())]

    def walk(self) -> list[Transform]:
        """Itself and all inside."""
        return [self, *(inner for one in self.of if isinstance(one, Transform) for inner in one.walk())]


def gives(transform: Transform, record: Mapping[str, Filled]) -> tuple[str, int]:
    """The kind (`float`, `int`, `string`) of what a transform makes, and how many of it a row has."""
    parts = [
        (_kind(record[one].dtype, one), math.prod(record[one].shape)) if isinstance(one, str) else gives(one, record)
        for one in transform.of
    ]
    kinds, width = {kind for kind, _ in parts}, sum(count for _, count in parts)
    names = ", ".join(map(repr, transform.columns()))
    if transform.cross is not None:
        if "float" in kinds or any(count != 1 for _, count in parts):
            raise ExportError(f"a cross takes single strings or integers, but {names} are not; bucketize numbers first")
        kind, width = "int", 1
    elif len(kinds) == 1:
        (kind,) = kinds
    elif "string" in kinds:
        raise ExportError(f"{names} are strings and numbers, which do not fit in one row")
    else:
        kind = "float"
    for step in transform.steps:
        kind, width = _after(step, kind, width, names)
    return kind, width


def _kind(dtype: str, name: str) -> str:
    if dtype in ("uint64", "float16", "bfloat16", "complex64", "complex128"):
        other = "int64" if dtype == "uint64" else "float32"
        raise ExportError(f"field {name!r} is {dtype}, which cannot be transformed; make it {other}")
    return "string" if dtype == "string" else "float" if dtype.startswith("float") else "int"


def _after(step: Step, kind: str, width: int, names: str) -> tuple[str, int]:
    """What a step makes of so many values of a kind."""
    wanted: tuple[str, ...]
    after: tuple[str, int]
    match step["kind"]:
        case "default":
            text = isinstance(step["value"], str)
            if kind == "int" and not text and (step["value"] != int(step["value"]) or abs(step["value"]) > 2**53):
                raise ExportError(f"{names}: the default {step['value']} is no whole number of at most 2^53")
            wanted, after = ("string",) if text else ("float", "int"), (kind, width)
        case "missing":
            wanted, after = ("float", "int", "string"), ("float", width)
        case "bucketize":
            wanted, after = ("float", "int"), ("int", width)
        case "hash" | "vocabulary":
            tokens = [*step.get("tokens", ()), *([] if step["mask"] is None else [step["mask"]])]
            fits = "string" if tokens and isinstance(tokens[0], str) else "int"
            wanted, after = ((fits,) if tokens else ("int", "string")), ("int", width)
        case "one_hot":
            wanted, after = ("int",), ("int", width * step["depth"])
        case "multi_hot" | "count":
            wanted, after = ("int",), ("int", step["depth"])
        case "cyclic":
            wanted, after = ("float", "int"), ("float", 2 * width)
        case _:
            wanted, after = ("float", "int"), ("float", width)
    if kind not in wanted:
        need = {"float": "numbers", "int": "integers", "string": "strings"}
        raise ExportError(f"{names}: {step['kind']} takes {' or '.join(need[one] for one in wanted)}, not {need[kind]}")
    return after


def apply(
    transform: Transform, record: Mapping[str, Filled], rows: Mapping[str, Array], moments: Moments | None = None
) -> Array:
    """What a transform makes of the rows of a record's columns: `[rows, width]`, of ragged ones all values `[n, 1]`.

    `moments` are those of running steps; without, the rows' own. Raises `Refused` where a value cannot be transformed.
    """
    parts = [
        _read(record[one], rows[one]) if isinstance(one, str) else apply(one, record, rows, moments)
        for one in transform.of
    ]
    for one, part in zip(transform.of, parts, strict=True):
        handled = transform.steps and transform.cross is None and transform.steps[0]["kind"] in ("default", "missing")
        if isinstance(one, str) and record[one].optional and not handled and np.any(_missing(part)):
            raise Refused(f"{one} is missing and has no default")
    if transform.cross is not None:
        crossed = tf.sparse.to_dense(tf.sparse.cross_hashed([_tensor(part) for part in parts], transform.cross))
        values: Array = crossed.numpy()
    elif all(part.dtype == parts[0].dtype for part in parts):
        values = np.concatenate(parts, axis=1)
    else:
        values = np.concatenate([part.astype(np.float64) for part in parts], axis=1)
    for step in transform.steps:
        values = _STEPS[step["kind"]](step, values, moments)
    return values


def feature(
    column: Filled, record: Mapping[str, Filled], rows: Mapping[str, Array], moments: Moments | None = None
) -> Array:
    """The rows of a feature that a transform makes, in its dtype and shape."""
    assert column.transform is not None
    values = apply(column.transform, record, rows, moments)
    if column.dtype != "string":
        values = values.astype(column.dtype)
    if not column.ragged:
        return values.reshape(-1, *column.shape)
    ends = np.cumsum(lengths(rows[column.transform.columns()[0]]))[:-1]
    return ragged_rows(np.split(values[:, 0], ends))


def _read(column: Filled, rows: Array) -> Array:
    """The values of a column as `float64`, `int64` or bytes, those of a row beside each other."""
    values = flat_rows(rows) if is_ragged(rows) else rows
    values = values.reshape(len(values), -1) if values.size else values.reshape(0, math.prod(column.shape))
    if column.dtype == "string":
        coded = [word.encode() if isinstance(word, str) else bytes(word) for word in values.ravel().tolist()]
        return np.array([*coded, None], dtype=object)[:-1].reshape(values.shape)
    if column.optional and column.dtype == "int32":
        return np.where(values == np.iinfo(np.int32).min, GAP, values.astype(np.int64))
    return values.astype(np.float64 if column.dtype.startswith("float") else np.int64)


def _coded(token: Any) -> Any:
    return token.encode() if isinstance(token, str) else token


def _missing(values: Array) -> Array:
    if values.dtype == object:
        return np.asarray(values == b"")
    return np.asarray(np.isnan(values) if values.dtype.kind == "f" else values == GAP)


def _tensor(values: Array) -> Any:
    if values.dtype == object:
        return tf.constant(values.tolist(), tf.string, values.shape)
    return tf.constant(values)


def _default(step: Step, values: Array, _: Moments | None) -> Array:
    filled = values.copy()
    filled[_missing(values)] = _coded(step["value"])
    return filled


def _logarithm(step: Step, values: Array, _: Moments | None) -> Array:
    above, logarithm = (0, np.log) if step["kind"] == "log" else (-1, np.log1p)
    numbers = values.astype(np.float64)
    if np.any(numbers <= above):
        raise Refused(f"{np.min(numbers)} has no logarithm")
    return np.asarray(logarithm(numbers))


def _standardize(step: Step, values: Array, _: Moments | None) -> Array:
    deviation = np.maximum(np.sqrt(np.asarray(step["variance"], np.float64)), EPSILON)
    return (values.astype(np.float64) - np.asarray(step["mean"], np.float64)) / deviation


def moments_of(values: Array) -> Array:
    """The moments of rows of numbers, as a bundle's state has them."""
    numbers = values.astype(np.float64)
    mean = numbers.mean(axis=0)
    return np.stack([np.full(mean.shape, float(len(numbers))), mean, np.square(numbers - mean).sum(axis=0)])


def _running(step: Step, values: Array, moments: Moments | None) -> Array:
    count, mean, squares = moments_of(values) if moments is None else moments[step["state"]]
    deviation = np.sqrt(squares / np.maximum(count, 1))
    varies = deviation > 0
    return np.where(varies, (values.astype(np.float64) - mean) / np.where(varies, deviation, 1), 0.0)


def _min_max(step: Step, values: Array, _: Moments | None) -> Array:
    low, high = np.asarray(step["min"], np.float64), np.asarray(step["max"], np.float64)
    return (values.astype(np.float64) - low) / (high - low)


def _cyclic(step: Step, values: Array, _: Moments | None) -> Array:
    angle = math.tau * (values.astype(np.float64) / step["period"])
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(len(values), -1)


def _bucketize(step: Step, values: Array, _: Moments | None) -> Array:
    found = tf.raw_ops.Bucketize(input=_tensor(values), boundaries=step["boundaries"])
    return np.asarray(found).astype(np.int64)


def _hash(step: Step, values: Array, _: Moments | None) -> Array:
    buckets, mask = step["buckets"], step["mask"]
    words = _tensor(values) if values.dtype == object else tf.strings.as_string(_tensor(values))
    if mask is None or buckets == 1:
        return np.asarray(tf.strings.to_hash_bucket_fast(words, buckets))
    masked = values == _coded(mask)
    return np.where(masked, 0, np.asarray(tf.strings.to_hash_bucket_fast(words, buckets - 1)) + 1)


def _vocabulary(step: Step, values: Array, _: Moments | None) -> Array:
    oov, mask = step["oov"], step["mask"]
    start = int(mask is not None)
    known = {_coded(token): start + oov + place for place, token in enumerate(step["tokens"])}
    if mask is not None:
        known[_coded(mask)] = 0
    flat = values.ravel()
    if oov == 0:
        unknown = [value for value in flat.tolist() if value not in known]
        if unknown:
            raise Refused(f"{unknown[0]!r} is not in the vocabulary")
        others = np.zeros(flat.shape, np.int64)
    elif values.dtype == object:
        others = tf.strings.to_hash_bucket_fast(_tensor(flat), oov).numpy()
    else:
        others = np.mod(flat, oov)
    found = [known.get(value, start + other) for value, other in zip(flat.tolist(), others.tolist(), strict=True)]
    return np.array(found, np.int64).reshape(values.shape)


def _spread(step: Step, values: Array, _: Moments | None) -> Array:
    depth = step["depth"]
    if np.any((values < 0) | (values >= depth)):
        raise Refused(f"an index is not from 0 to {depth - 1}")
    places = np.eye(depth, dtype=np.int64)[values]
    if step["kind"] == "one_hot":
        return places.reshape(len(values), -1)
    return np.asarray(places.max(axis=1) if step["kind"] == "multi_hot" else places.sum(axis=1))


_STEPS: Mapping[str, Callable[[Step, Array, Moments | None], Array]] = {
    "default": _default,
    "missing": lambda step, values, _: _missing(values).astype(np.float64),
    "clip": lambda step, values, _: np.clip(values.astype(np.float64), step["min"], step["max"]),
    "log": _logarithm,
    "log1p": _logarithm,
    "standardize": _standardize,
    "running_standardize": _running,
    "min_max": _min_max,
    "cyclic": _cyclic,
    "bucketize": _bucketize,
    "hash": _hash,
    "vocabulary": _vocabulary,
    "one_hot": _spread,
    "multi_hot": _spread,
    "count": _spread,
}


def made_up(random: np.random.Generator, column: Filled, transforms: Sequence[Transform], rows: int) -> Array:
    """Rows of a record's column that these transforms take."""
    steps = [step for one in transforms for inner in one.walk() if column.name in inner.of for step in inner.steps]
    count = int(rows * 2) if column.ragged else rows
    shape = (count, *column.shape)
    masks = [step["mask"] for step in steps if step.get("mask") is not None]
    tokens = [*(token for step in steps for token in step.get("tokens", ())), *masks]
    exact = any(step["kind"] == "vocabulary" and step["oov"] == 0 for step in steps)
    if column.dtype == "string":
        words = np.array([*tokens, *([] if exact else [f"word {i}" for i in range(20)])], dtype=object)
        values = words[random.integers(0, len(words), shape)]
    elif column.dtype == "bool":
        values = random.integers(0, 2, shape).astype(bool)
    elif tokens:
        known = np.array([*tokens, *([] if exact else range(-5, 20))])
        values = known[random.integers(0, len(known), shape)].astype(column.dtype)
    else:
        bounds = [bound for step in steps for bound in step.get("boundaries", ())]
        top = max([50.0, *bounds])
        values = random.uniform(0.05, top, shape).astype(column.dtype)
        values = np.maximum(values, np.asarray(1, column.dtype)) if column.dtype.startswith(("int", "uint")) else values
    if column.optional and not column.ragged:
        integer = column.dtype in ("int32", "int64")
        values[::5] = "" if column.dtype == "string" else np.iinfo(column.dtype).min if integer else np.nan
    return ragged_rows(np.split(values, np.arange(1, rows) * 2)) if column.ragged else values
