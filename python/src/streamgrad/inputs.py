"""Inputs: what a model is called with, as features, and how to build that call from one tensor a feature."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from streamgrad import record
from streamgrad.columns import Filled
from streamgrad.errors import ExportError
from streamgrad.names import unique
from streamgrad.ragged import Array, as_array, as_tensor, flat_rows, is_ragged
from streamgrad.record import Record

_UNNAMED = re.compile(r"(keras_tensor|input_layer)(_\d+)?")
"""What Keras calls an `Input` without a name, by counting: another number in the next process."""


@dataclass(frozen=True)
class Inputs:
    """The features of a model, and the structure (tensor, list, dict, nested) that its call takes them in.

    `record` are the columns that features are made of by transforms. `before` are the inputs as the user's model has
    them, if layers at some of them were taken out.
    """

    columns: list[Filled]
    structure: Any
    record: Record = field(default_factory=Record)
    before: Inputs | None = None

    def given(self) -> list[Filled]:
        """What fields fill: features without a transform, and the columns that the others are made of."""
        return [*(one for one in self.columns if one.transform is None), *self.record.columns.values()]

    def pack(self, values: Sequence[Any]) -> Any:
        """The argument of the model's call, from one value a feature in the columns' order."""
        return keras.tree.pack_sequence_as(self.structure, list(values))

    def rows(self, x: Any) -> list[Array]:
        """One array a feature, from rows as the user would hand them to the model."""
        if isinstance(x, Mapping) and not isinstance(self.structure, Mapping):
            missing = [column.name for column in self.columns if column.name not in x]
            if missing:
                raise ExportError(f"`example` lacks the features {missing}; the model's inputs are {self.names()}")
            flat = [x[column.name] for column in self.columns]
        else:
            try:
                x = _leaves(x)
                keras.tree.assert_same_structure(
                    keras.tree.lists_to_tuples(self.structure), keras.tree.lists_to_tuples(x)
                )
            except (ValueError, TypeError) as error:
                raise ExportError(
                    f"`example` is not structured as the model's inputs {self.names()}: {error}"
                ) from error
            flat = keras.tree.flatten(x)
        return [as_array(value) for value in flat]

    def names(self) -> list[str]:
        """The features' names."""
        return [column.name for column in self.columns]


def describe(model: Any, features: Any, example: Any) -> Inputs:
    """The inputs of `model`: from its `Input`s if it has any, else from the rows of `example`.

    A model that nobody has called yet is called on `example`, so that it makes its weights.
    """
    if not model.built:
        if example is None:
            raise ExportError(
                f"model {model.name!r} has no weights yet; give it an `Input`, call it once, or give rows as `example`"
            )
        model(keras.tree.map_structure(as_tensor, _leaves(example)))
    symbolic = symbolic_inputs(model)
    if symbolic is None:
        if example is None:
            raise ExportError(
                f"model {model.name!r} is subclassed and has no `Input`, so its inputs are unknown; "
                "give a few rows as `example`, as you would call the model with them"
            )
        structure = _leaves(example)
        specs = [_seen(leaf) for leaf in keras.tree.flatten(structure)]
    else:
        structure = symbolic
        specs = _specs(symbolic, example)
    names = unique(_names(structure, features))
    sized = {
        name: (tuple(int(size) for size in shape), dtype, ragged)
        for name, (shape, dtype, ragged) in zip(names, specs, strict=True)
    }
    columns, columns_of_record = record.describe(sized, _fields(features, names))
    return Inputs(columns, keras.tree.map_structure(lambda _: None, structure), columns_of_record)


def symbolic_inputs(model: Any) -> Any:
    """The `Input`s of a functional or sequential model, in the structure that its call takes."""
    try:
        tensors = model.inputs
    except AttributeError:
        return None
    if isinstance(model, keras.Sequential):
        return tensors[0]
    return model.input


def _seen(rows: Array) -> tuple[tuple[int, ...], str, bool]:
    """Shape and dtype of a row, and whether it is ragged, where only rows tell."""
    if is_ragged(rows):
        return (), _dtype(flat_rows(rows)), True
    return rows.shape[1:], _dtype(rows), False


def _specs(symbolic: Any, example: Any) -> list[tuple[tuple[int, ...], str, bool]]:
    leaves = keras.tree.flatten(symbolic)
    rows = [None] * len(leaves) if example is None else [as_array(leaf) for leaf in _flat_example(symbolic, example)]
    specs: list[tuple[tuple[int, ...], str, bool]] = []
    for leaf, row in zip(leaves, rows, strict=True):
        dtype = keras.backend.standardize_dtype(leaf.dtype)
        if getattr(leaf, "sparse", False):
            raise ExportError(f"input {leaf.name!r} is sparse, which a bundle cannot hold; make it dense or ragged")
        shape = tuple(leaf.shape)[1:]
        if getattr(leaf, "ragged", False):
            if len(shape) != 1:
                raise ExportError(
                    f"input {leaf.name!r} is ragged with rows of shape {shape}, but a bundle's ragged rows are lists "
                    "of single values; make it keras.Input((None,), ragged=True)"
                )
            specs.append(((), dtype, True))
            continue
        if any(size is None for size in shape):
            if row is None or row.ndim != len(shape) + 1:
                raise ExportError(
                    f"input {leaf.name!r} has shape {shape} a row, with a size left open, but a bundle's rows have one "
                    "shape; give its sizes in keras.Input, or rows of that shape as `example`"
                )
            shape = tuple(row.shape[1:])
        specs.append((shape, dtype, False))
    return specs


def _flat_example(symbolic: Any, example: Any) -> list[Any]:
    if isinstance(example, Mapping) and not isinstance(symbolic, Mapping):
        return [example.get(leaf.name) for leaf in keras.tree.flatten(symbolic)]
    flat = keras.tree.flatten(_arrays(example))
    if len(flat) != len(keras.tree.flatten(symbolic)):
        raise ExportError(f"`example` holds {len(flat)} inputs, the model has {len(keras.tree.flatten(symbolic))}")
    return list(flat)


def _names(structure: Any, features: Any) -> list[str]:
    if isinstance(structure, Mapping) and all(not keras.tree.is_nested(leaf) for leaf in structure.values()):
        # The order of the structure's leaves, which need not be the dict's.
        return [str(name) for name in keras.tree.flatten({name: name for name in structure})]
    leaves = keras.tree.flatten_with_path(structure)
    if all(hasattr(leaf, "name") and not _UNNAMED.fullmatch(leaf.name) for _, leaf in leaves):
        return [leaf.name for _, leaf in leaves]
    if isinstance(features, Mapping) and len(features) == len(leaves):
        return [str(name) for name in features]
    if len(leaves) == 1:
        return ["input"]
    return ["input_" + "_".join(str(part) for part in path) for path, _ in leaves]


def _fields(features: Any, names: Sequence[str]) -> dict[str, Any]:
    if features is None:
        return {name: name for name in names}
    if not isinstance(features, Mapping):
        if len(names) != 1:
            raise ExportError(f"the model has {len(names)} inputs; give `features` as a dict by input: {list(names)}")
        return {names[0]: features}
    unknown = sorted(set(features) - set(names))
    if unknown:
        raise ExportError(f"`features` names {unknown}, but the model's inputs are {list(names)}")
    return {name: features.get(name, name) for name in names}


def _arrays(x: Any) -> Any:
    """Rows given as plain nested lists of numbers are one array, not a structure."""
    if isinstance(x, Mapping):
        return {name: as_array(value) for name, value in x.items()}
    if isinstance(x, (list, tuple)) and not any(hasattr(item, "shape") for item in x):
        return as_array(x)
    return x


def _leaves(x: Any) -> Any:
    return keras.tree.map_structure(as_array, _arrays(x))


def _dtype(array: Array) -> str:
    if array.dtype.kind in "OSU":
        return "string"
    if array.dtype == np.float64:
        # What NumPy makes of Python numbers, and Keras of them in turn.
        return "float32"
    return str(array.dtype.name)
