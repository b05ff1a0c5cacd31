"""Fields: how a record's field becomes a feature, as users declare it."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from streamgrad.columns import DTYPES
from streamgrad.errors import ExportError
from streamgrad.transforms import Step


@dataclass(frozen=True)
class Field:
    """A record's field and what is done to its value; made by `field`.

    `dtype` is what records hold, `None` if that follows from the feature. `optional`: the value may be missing.
    """

    name: str
    dtype: str | None
    optional: bool
    steps: tuple[Step, ...]
    indicator: bool


@dataclass(frozen=True)
class Cross:
    """Several fields that are hashed together; made by `cross`."""

    fields: tuple[str | Field, ...]
    buckets: int
    steps: tuple[Step, ...]


def field(
    name: str,
    *,
    dtype: str | None = None,
    default: float | str | None = None,
    missing_indicator: bool = False,
    clip: tuple[float | None, float | None] | None = None,
    log: bool = False,
    log1p: bool = False,
    standardize: bool | tuple[float, float] = False,
    min_max: tuple[float, float] | None = None,
    cyclic: float | None = None,
    bucketize: Sequence[float] | None = None,
    hash: int | None = None,
    vocabulary: Sequence[str] | Sequence[int] | None = None,
    num_oov_indices: int = 1,
    mask_token: str | int | None = None,
    one_hot: bool = False,
) -> Field:
    """A field of the record and how a feature is made of it, for `features` of `streamgrad.export`.

    Whoever learns or predicts hands over the field as it is; the transform is done there, the same for both. Transforms
    are done in the order of the arguments. Numbers are computed in `float64`.

    Args:
        name: The record's field.
        dtype: What records hold there: `float32` unless the feature or a transform says otherwise; `string` for `hash`
            and for a vocabulary of strings, `int64` for one of integers.
        default: What takes the place of a missing value: of NaN, of an empty string, of the lowest number of `int32`
            or `int64`, of a field that a row leaves out.
            Without it, and without `missing_indicator`, a row must have the field.
        missing_indicator: Adds a 1 where the value is missing, else a 0, behind what is made of it. Needs `default`,
            unless the indicator alone is wanted.
        clip: The lowest and the highest value; `None` leaves a side open.
        log: The natural logarithm; a row whose value is not positive is refused.
        log1p: The natural logarithm of 1 + x.
        standardize: `True` for the running mean and variance of what was learned from, which are a part of the
            parameters: a row is seen by the moments before it, and becomes 0 until values have varied. Or a tuple of
            mean and variance, as Keras' `Normalization` takes them.
        min_max: What becomes 0 and what becomes 1; values outside go on beyond (see `clip`).
        cyclic: A period: two values, the sine and the cosine of 2 pi x / period.
        bucketize: Boundaries in ascending order; the value becomes the number of those that are not above it, as in
            Keras' `Discretization`.
        hash: The number of buckets; strings and integers as in Keras' `Hashing`.
        vocabulary: The known values; the value becomes its place, as in Keras' `StringLookup` and `IntegerLookup`.
        num_oov_indices: How many indices come first for what is not in the vocabulary. With 0 such a row is refused.
        mask_token: The value that `hash` or `vocabulary` gives the index 0, which no other has then.
        one_hot: As many values as there are indices, 1 at the value's own.
    """
    if not isinstance(name, str) or not name:
        raise ExportError(f"a field is given by its name, not as {name!r}")
    if dtype is not None and dtype not in DTYPES:
        raise ExportError(f"field {name!r} has dtype {dtype!r}; it is one of {', '.join(DTYPES)}")
    kinds = {"cyclic": cyclic, "bucketize": bucketize, "hash": hash, "vocabulary": vocabulary}
    chosen = [kind for kind, value in kinds.items() if value is not None]
    scales = [kind for kind, on in (("standardize", standardize), ("min_max", min_max is not None)) if on]
    if len(chosen) > 1 or len(scales) > 1 or (log and log1p):
        both = chosen if len(chosen) > 1 else scales if len(scales) > 1 else ["log", "log1p"]
        raise ExportError(f"field {name!r} has {' and '.join(both)}; one of them makes the value")
    words = hash is not None or vocabulary is not None
    if words and (clip is not None or log or log1p or scales):
        raise ExportError(f"field {name!r} has {chosen[0]}, which takes values as they are; leave out what computes")
    if one_hot and not (words or bucketize is not None):
        raise ExportError(f"field {name!r} has one_hot, which takes indices; add bucketize, hash or vocabulary")
    if mask_token is not None and not words:
        raise ExportError(f"field {name!r} has mask_token, which goes with hash or vocabulary")
    steps: list[Step] = []
    if default is not None:
        steps.append({"kind": "default", "value": default if isinstance(default, str) else _number(name, default)})
    if clip is not None:
        low, high = _pair(name, "clip", clip, optional=True)
        steps.append({"kind": "clip", "min": low, "max": high})
    if log or log1p:
        steps.append({"kind": "log" if log else "log1p"})
    if standardize is True:
        steps.append({"kind": "running_standardize", "state": name})
    elif standardize is not False:
        mean, variance = _pair(name, "standardize", standardize)
        if variance < 0:
            raise ExportError(f"field {name!r} has a variance of {variance}; it is not negative")
        steps.append({"kind": "standardize", "mean": [mean], "variance": [variance]})
    if min_max is not None:
        low, high = _pair(name, "min_max", min_max)
        if low >= high:
            raise ExportError(f"field {name!r} has min_max={min_max}; the second number is the larger one")
        steps.append({"kind": "min_max", "min": [low], "max": [high]})
    steps += _indices(name, cyclic, bucketize, hash, vocabulary, num_oov_indices, mask_token, one_hot)
    if missing_indicator and default is None and steps:
        raise ExportError(f"field {name!r} may be missing; give the default that takes its place")
    optional = default is not None or missing_indicator
    return Field(name, dtype or _dtype(steps), optional, tuple(steps), missing_indicator)


def cross(fields: Sequence[str | Field], buckets: int, *, one_hot: bool = False) -> Cross:
    """Several fields hashed together into so many buckets, as Keras' `HashedCrossing` does; for `features`.

    Each is a string or an integer: a plain name stands for a string, `field("hour", bucketize=[...])` makes an index
    first.
    """
    given = tuple(fields)
    if isinstance(fields, str) or len(given) < 2 or not all(isinstance(one, (str, Field)) for one in given):
        raise ExportError(f"cross takes two or more fields, not {fields!r}")
    if any(isinstance(one, Field) and one.indicator for one in given):
        raise ExportError("cross takes single values; leave out missing_indicator")
    _count("cross", "buckets", buckets)
    return Cross(given, buckets, ({"kind": "one_hot", "depth": buckets},) if one_hot else ())


def _indices(
    name: str,
    cyclic: float | None,
    bucketize: Sequence[float] | None,
    hash: int | None,
    vocabulary: Sequence[str] | Sequence[int] | None,
    num_oov_indices: int,
    mask_token: str | int | None,
    one_hot: bool,
) -> list[Step]:
    """What makes something else of a number or word than a number."""
    steps: list[Step] = []
    depth = 0
    if cyclic is not None:
        if _number(name, cyclic) <= 0:
            raise ExportError(f"field {name!r} has the period {cyclic}; it is positive")
        steps.append({"kind": "cyclic", "period": float(cyclic)})
    if bucketize is not None:
        boundaries = [float(np.float32(_number(name, one))) for one in bucketize]
        if not boundaries or sorted(boundaries) != boundaries:
            raise ExportError(f"field {name!r} has the boundaries {list(bucketize)}; give some, in ascending order")
        steps.append({"kind": "bucketize", "boundaries": boundaries})
        depth = len(boundaries) + 1
    if hash is not None:
        _count(name, "hash", hash)
        steps.append({"kind": "hash", "buckets": hash, "mask": mask_token})
        depth = hash
    if vocabulary is not None:
        tokens = list(vocabulary)
        if not isinstance(num_oov_indices, int) or num_oov_indices < 0:
            raise ExportError(f"field {name!r} has num_oov_indices={num_oov_indices!r}; it is 0 or more")
        steps.append(lookup(f"field {name!r}", tokens, num_oov_indices, mask_token))
        depth = len(tokens) + num_oov_indices + (mask_token is not None)
    if one_hot:
        steps.append({"kind": "one_hot", "depth": depth})
    return steps


def lookup(owner: str, tokens: Sequence[Any], oov: int, mask: Any) -> Step:
    """The step of a vocabulary; `owner` is who has it, for messages."""
    if isinstance(tokens, str) or not tokens:
        raise ExportError(f"{owner} has the vocabulary {tokens!r}; give a list of strings or of integers")
    known = [int(one) if isinstance(one, (int, np.integer)) and not isinstance(one, bool) else one for one in tokens]
    every = [*known, *([] if mask is None else [mask])]
    if not (all(isinstance(one, str) for one in every) or all(isinstance(one, int) for one in every)):
        raise ExportError(f"{owner} has a vocabulary of strings and others; give strings alone, or integers alone")
    if len(set(known)) < len(known):
        twice = next(one for one in known if known.count(one) > 1)
        raise ExportError(f"{owner} has {twice!r} in its vocabulary twice")
    return {"kind": "vocabulary", "tokens": known, "oov": oov, "mask": mask}


def _dtype(steps: Sequence[Step]) -> str | None:
    """What a record's field must be, as far as the steps tell."""
    for step in steps:
        if step["kind"] == "default" and isinstance(step["value"], str):
            return "string"
        if step["kind"] == "vocabulary":
            return "string" if isinstance(step["tokens"][0], str) else "int64"
        if step["kind"] == "hash":
            number = isinstance(step["mask"], int) or steps[0]["kind"] == "default"
            return "int64" if number else "string"
        if step["kind"] != "default":
            return None
    return None


def _number(name: str, value: Any) -> float:
    if not isinstance(value, (numbers.Real, np.number)) or isinstance(value, bool) or not math.isfinite(value):
        raise ExportError(f"field {name!r} is given {value!r} where a finite number is needed")
    return float(value)


def _pair(name: str, what: str, value: Any, *, optional: bool = False) -> tuple[Any, Any]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ExportError(f"field {name!r} has {what}={value!r}; give two numbers")
    low, high = (None if optional and one is None else _number(name, one) for one in value)
    if optional and low is not None and high is not None and low > high:
        raise ExportError(f"field {name!r} has {what}={value!r}; the second number is the larger one")
    return low, high


def _count(owner: str, what: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ExportError(f"{owner!r} has {what}={value!r}; it is a whole number, 1 or more")
