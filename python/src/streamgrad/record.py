"""Record: the columns of a record that transforms read, gathered while the features are described."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from streamgrad.columns import Filled, fields_of
from streamgrad.errors import ExportError
from streamgrad.fields import Cross, Field
from streamgrad.transforms import ELEMENTWISE, Step, Transform, gives

Spec = tuple[tuple[int, ...], str, bool]
"""Shape of a row, dtype, whether rows are ragged."""

MISSING: Step = {"kind": "missing"}

GAPS = ("float32", "float64", "int32", "int64", "string")
"""The dtypes in which a value can say that it is missing."""


@dataclass
class Record:
    """The columns by name, and by name of the running moments how many values these are of."""

    columns: dict[str, Filled] = field(default_factory=dict)
    moments: dict[str, int] = field(default_factory=dict)

    def add(self, column: Filled) -> None:
        """Adds a column, or finds that it is there already and the same."""
        if column.optional and column.dtype not in GAPS:
            raise ExportError(
                f"field {column.name!r} is {column.dtype}, which has no value that says that it is missing; give dtype "
                "'int32', 'int64' or a float"
            )
        known = self.columns.get(column.name)
        if known is None:
            self.columns[column.name] = column
            return
        if (known.dtype, known.shape, known.ragged, known.fields) != (
            column.dtype, column.shape, column.ragged, column.fields,
        ):  # fmt: skip
            raise ExportError(
                f"field {column.name!r} is {_spelled(known)} in one place and {_spelled(column)} in another; give "
                "dtype where it is declared"
            )
        self.columns[column.name] = replace(known, optional=known.optional or column.optional)


def describe(specs: Mapping[str, Spec], given: Mapping[str, Any]) -> tuple[list[Filled], Record]:
    """The features, by the shape and dtype that the model takes and the fields that the user gave for each."""
    record = Record()
    parts = {name: _parts(given[name]) for name in specs}
    shared = {name for every in parts.values() for part in every for name in _names(part)}
    plain = {name: all(isinstance(one, str) and one not in shared for one in every) for name, every in parts.items()}
    made = {name: every for name, every in parts.items() if not plain[name]}
    # What says its dtype comes first: the others follow.
    for name, every in made.items():
        for part in every:
            if isinstance(part, str):
                record.add(_whole(part, specs[name], every))
    transforms = {name: _transform(name, specs[name], every, record) for name, every in made.items()}
    columns = []
    for name, (shape, dtype, ragged) in specs.items():
        if plain[name]:
            columns.append(Filled(name, dtype, shape, fields_of(given[name]), ragged=ragged))
            continue
        column = Filled(name, dtype, shape, (), ragged=ragged, transform=transforms[name])
        _refuse_misfit(column, record)
        columns.append(column)
    return columns, record


def _refuse_misfit(column: Filled, record: Record) -> None:
    assert column.transform is not None
    kind, width = gives(column.transform, record.columns)
    fits = {
        "float": column.dtype in ("float32", "float64"),
        "int": column.dtype != "string",
        "string": column.dtype == "string",
    }
    if width != math.prod(column.shape) or not fits[kind]:
        what = {"float": "numbers", "int": "integers", "string": "strings"}[kind]
        raise ExportError(
            f"the fields of {column.name!r} make {width} {what} a row, but it takes {math.prod(column.shape)} "
            f"of {column.dtype}"
        )
    expands = any(step["kind"] not in ELEMENTWISE for one in column.transform.walk() for step in one.steps)
    if column.ragged and (len(column.transform.columns()) > 1 or expands):
        raise ExportError(f"{column.name!r} is ragged, and is transformed value by value, one field alone")


def _parts(value: Any) -> tuple[str | Field | Cross, ...]:
    if isinstance(value, (Field, Cross)):
        return (value,)
    if isinstance(value, str):
        return fields_of(value)
    try:
        parts = tuple(value)
    except TypeError:
        parts = ()
    if not parts or not all((isinstance(one, str) and one) or isinstance(one, (Field, Cross)) for one in parts):
        raise ExportError(
            f"fields are given by name, or as streamgrad.field and streamgrad.cross, one or a list, not as {value!r}"
        )
    return parts


def _names(part: str | Field | Cross) -> list[str]:
    """The fields that are transformed."""
    if isinstance(part, str):
        return []
    if isinstance(part, Field):
        return [part.name]
    return [one if isinstance(one, str) else one.name for one in part.fields]


def _whole(name: str, spec: Spec, parts: Sequence[Any]) -> Filled:
    """The column of a plain name, which holds the whole row if it is the only one."""
    shape, dtype, ragged = spec
    return Filled(name, dtype, shape if len(parts) == 1 else (), (name,), ragged=ragged)


def _transform(name: str, spec: Spec, parts: Sequence[str | Field | Cross], record: Record) -> Transform:
    operands = tuple(one for part in parts for one in _operands(name, part, spec, len(parts) == 1, record))
    if len(operands) == 1 and isinstance(operands[0], Transform):
        return operands[0]
    return Transform(operands)


def _operands(
    feature: str, part: str | Field | Cross, spec: Spec, alone: bool, record: Record
) -> list[str | Transform]:
    if isinstance(part, str):
        return [part]
    if isinstance(part, Cross):
        of: list[str | Transform] = []
        for one in part.fields:
            single = Field(one, "string", False, (), False) if isinstance(one, str) else one
            if isinstance(one, str) and one in record.columns:
                of.append(one)
            else:
                of += _operands(feature, single, ((), "string", False), False, record)
        return [Transform(tuple(of), part.steps, part.buckets)]
    shape, wanted, ragged = spec
    known = record.columns.get(part.name)
    steps = tuple(_with_state(feature, part, step, record) for step in part.steps)
    plain = not any(step["kind"] != "default" for step in steps)
    dtype = part.dtype or (known.dtype if known else wanted if plain else "float32")
    whole = alone and not part.indicator and all(step["kind"] in ELEMENTWISE for step in steps)
    own = known.shape if known else shape if whole and math.prod(shape) > 1 else ()
    record.add(Filled(part.name, dtype, own, (part.name,), ragged=ragged and alone, optional=part.optional))
    for step in steps:
        if step["kind"] == "running_standardize":
            record.moments[step["state"]] = math.prod(own)
    made: list[str | Transform] = []
    if steps or not part.indicator:
        made.append(Transform((part.name,), steps) if steps else part.name)
    if part.indicator:
        made.append(Transform((part.name,), (MISSING,)))
    return made


def _with_state(feature: str, part: Field, step: Step, record: Record) -> Step:
    """The step, with moments of its own if it has any."""
    if step["kind"] != "running_standardize":
        return step
    name, number = f"{feature}/{part.name}/moments", 1
    while name in record.moments:
        number += 1
        name = f"{feature}/{part.name}/moments_{number}"
    record.moments[name] = 1
    return {**step, "state": name}


def _spelled(column: Filled) -> str:
    return f"{'ragged ' if column.ragged else ''}{column.dtype}{list(column.shape) if column.shape else ''}"
