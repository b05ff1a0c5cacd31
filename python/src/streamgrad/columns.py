"""Columns: the named, typed inputs and outputs of a model, one row of each at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamgrad.errors import ExportError

if TYPE_CHECKING:
    from streamgrad.transforms import Transform

WEIGHTS = (
    "float32", "float64", "int8", "int16", "int32", "int64",
    "uint8", "uint16", "uint32", "uint64", "bool", "string",
)  # fmt: skip
"""The dtypes that a bundle's weights may have."""

DTYPES = (*WEIGHTS, "float16", "bfloat16", "complex64", "complex128")
"""The dtypes that its columns may have."""


@dataclass(frozen=True)
class Column:
    """A feature, label, weight or output. `shape` is that of one row, without the batch dimension."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if any(size < 1 for size in self.shape):
            raise ExportError(f"{self.name!r} has shape {self.shape} a row, but every size must be at least 1")
        if self.dtype not in DTYPES:
            raise ExportError(
                f"{self.name!r} has dtype {self.dtype}, which a bundle cannot hold; cast it to one of "
                f"{', '.join(DTYPES)}"
            )


@dataclass(frozen=True)
class Filled(Column):
    """A column that a record's fields fill, row-major.

    A ragged one has any number of values a row, each of `shape` `()`; one field holds them all. A feature that a
    `transform` makes has no fields. Of an `optional` column values may be missing: NaN, the lowest integer, or the
    empty string.
    """

    fields: tuple[str, ...]
    ragged: bool = field(default=False, kw_only=True)
    transform: Transform | None = field(default=None, kw_only=True)
    optional: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transform is not None:
            return
        if self.ragged and len(self.fields) != 1:
            raise ExportError(
                f"{self.name!r} is ragged but has {len(self.fields)} fields; name one field that holds all values of "
                "a row"
            )
        elements = math.prod(self.shape)
        if len(self.fields) not in (1, elements):
            raise ExportError(
                f"{self.name!r} has {elements} elements a row but {len(self.fields)} fields; name one field "
                f"that holds the whole row, or one per element"
            )


@dataclass(frozen=True)
class Label(Filled):
    """A label: the output it belongs to, and the values its loss allows."""

    output: str
    range: tuple[float, float] | None


def fields_of(value: str | Sequence[str]) -> tuple[str, ...]:
    """One field name, or several."""
    names = (value,) if isinstance(value, str) else tuple(value)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ExportError(f"fields are given by name, as a string or a list of strings, not as {value!r}")
    return names


def refuse_shared_fields(columns: Sequence[Filled]) -> None:
    """Each column needs a name of its own, and each field fills one place."""
    names: set[str] = set()
    places: dict[str, str] = {}
    for column in columns:
        if column.name in names:
            raise ExportError(f"two columns are named {column.name!r}; give features and labels names of their own")
        names.add(column.name)
        for name in column.fields:
            if name in places:
                raise ExportError(
                    f"field {name!r} fills two places, in {places[name]!r} and {column.name!r}; name each field once"
                )
            places[name] = column.name
