"""Settings: what a table is told, checked, and as the bundle's manifest has it (Rust's `TableSpec`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

MOST_COLUMNS = 1 << 16
LEAST_SKETCH = 1 << 14


def initializer(one: Any) -> dict[str, Any]:
    """How a table begins its rows by a Keras initializer: a constant, uniform, normal or truncated normal one."""
    kinds = keras.initializers
    match one:
        case kinds.Zeros():
            described = {"kind": "constant", "value": 0.0}
        case kinds.Ones():
            described = {"kind": "constant", "value": 1.0}
        case kinds.Constant():
            described = {"kind": "constant", "value": _number("the constant of `initializer`", one.value)}
        case kinds.RandomUniform():
            described = {"kind": "uniform", "low": float(one.minval), "high": float(one.maxval)}
        case kinds.TruncatedNormal():
            described = {"kind": "truncated_normal", "mean": float(one.mean), "deviation": float(one.stddev)}
        case kinds.RandomNormal():
            described = {"kind": "normal", "mean": float(one.mean), "deviation": float(one.stddev)}
        case _:
            raise ValueError(
                f"a table cannot begin its rows by {type(one).__name__}; use a constant, RandomUniform, RandomNormal or "
                "TruncatedNormal"
            )
    if getattr(one, "_init_seed", None) is not None:
        raise ValueError("a table's rows follow from its own seed; give it as Embedding(seed=...), not to `initializer`")
    if not all(math.isfinite(np.float32(value)) for key, value in described.items() if key != "kind"):
        raise ValueError(f"`initializer` has numbers that are not finite in float32: {described}")
    if described["kind"] == "uniform" and described["low"] > described["high"]:
        raise ValueError(f"`initializer` is uniform from {described['low']} down to {described['high']}; exchange them")
    if described.get("deviation", 0) < 0:
        raise ValueError(f"`initializer` has a negative deviation: {described['deviation']}")
    return described


def default_row(given: Sequence[float] | None, dim: int) -> list[float]:
    """The row of ids that have none; empty for zeros."""
    if given is None:
        return []
    row = np.asarray(given, np.float32)
    if row.shape != (dim,) or not np.all(np.isfinite(row)):
        raise ValueError(f"`default_row` takes {dim} finite numbers, one per column, not {given!r}")
    return [float(value) for value in row]


def admission(after: int | None, probability: float | None, sketch_bytes: int) -> dict[str, Any]:
    """Who gets a row."""
    if after is not None and probability is not None:
        raise ValueError("give `admit_after` or `admit_probability`, not both")
    if probability is not None:
        if not 0 < probability <= 1:
            raise ValueError(f"`admit_probability` is above 0 and at most 1, not {probability}")
        return {"kind": "probability", "probability": float(probability)}
    if after is None or integer("admit_after", after, 1, 255) == 1:
        return {"kind": "always"}
    return {
        "kind": "sightings",
        "sightings": int(after),
        "sketch_bytes": integer("sketch_bytes", sketch_bytes, LEAST_SKETCH),
    }


def expiry(after_steps: int | None, after_seconds: int | None) -> dict[str, Any]:
    """Whose row is given up once it does not come any more."""
    if after_steps is not None and after_seconds is not None:
        raise ValueError("give `expire_after_steps` or `expire_after_seconds`, not both")
    if after_steps is not None:
        return {"kind": "steps", "steps": integer("expire_after_steps", after_steps, 1)}
    if after_seconds is not None:
        return {"kind": "seconds", "seconds": integer("expire_after_seconds", after_seconds, 1)}
    return {"kind": "never"}


def budget(budget_bytes: int | None, evict: str) -> dict[str, Any] | None:
    """How much memory all rows may take, and whose row goes when it is used up."""
    if evict not in ("least_recent", "least_frequent"):
        raise ValueError(f"`evict` is 'least_recent' or 'least_frequent', not {evict!r}")
    if budget_bytes is None:
        return None
    return {"bytes": integer("budget_bytes", budget_bytes, 1), "evict": evict}


def integer(name: str, value: Any, least: int, most: int = (1 << 64) - 1) -> int:
    """A whole number within its bounds."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        bounds = f"of at least {least}" if most >= (1 << 63) else f"from {least} to {most}"
        raise ValueError(f"`{name}` is a whole number {bounds}, not {value!r}")
    return int(value)


def _number(what: str, value: Any) -> float:
    array = np.asarray(value, np.float64)
    if array.size != 1:
        raise ValueError(f"{what} is one number for all columns, not {value!r}")
    return float(array.reshape(()))
