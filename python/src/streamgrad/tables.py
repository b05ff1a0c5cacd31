"""Tables: the embedding layers of a model, whose rows a bundle keeps out of the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from streamgrad.errors import ExportError
from streamgrad.ids import ids_of
from streamgrad.layers import Embedding
from streamgrad.names import node_names

Values = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Table:
    """A table's name, the node that feeds its rows and the layer that it is in Keras."""

    name: str
    node: str
    layer: Embedding


def layers_of(model: Any) -> list[Embedding]:
    """The layers of `model`, however deep, that are tables."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, Embedding)]


def describe(model: Any, taken: Iterable[str]) -> list[Table]:
    """The tables of `model`; `taken` are the names of its weights."""
    layers = layers_of(model)
    names = [layer.name for layer in layers]
    shared = set(taken)
    for name in names:
        if names.count(name) > 1 or name in shared:
            raise ExportError(f"two tables or weights are named {name!r}; give each table a name of its own")
    for layer in layers:
        if not layer.trainable:
            raise ExportError(
                f"table {layer.name!r} is not trainable, but a bundle's tables learn; set trainable=True, or give it "
                "an optimizer with learning rate 0"
            )
        if not np.all(np.isfinite(layer.table()[1])):
            raise ExportError(f"table {layer.name!r} holds rows that are not finite; start from rows that are")
    nodes = node_names("table", names)
    return [Table(name, f"{node}/rows", layer) for name, node, layer in zip(names, nodes, layers, strict=True)]


def trained(tables: Sequence[Table]) -> Values:
    """What `tables.safetensors` holds: ids and rows of each table that has any."""
    values: Values = {}
    for table in tables:
        ids, rows = table.layer.table()
        if ids.size:
            values[f"{table.name}/ids"], values[f"{table.name}/rows"] = ids, rows
    return values


def pull(
    tables: Sequence[Table], reads: Iterable[tuple[str, str]], columns: Mapping[str, np.ndarray[Any, Any]]
) -> tuple[Values, dict[tuple[str, str], np.ndarray[Any, Any]]]:
    """What a trainer feeds for a batch: the rows of each table's distinct ids, and their places by table and feature.

    `reads` are the pairs of table and feature, `columns` the features' values, of ragged ones one after the other.
    """
    rows: Values = {}
    places: dict[tuple[str, str], np.ndarray[Any, Any]] = {}
    pairs = list(reads)
    for table in tables:
        features = [feature for name, feature in pairs if name == table.name]
        ids = [ids_of(columns[feature]) for feature in features]
        distinct, local = np.unique(np.concatenate([one.ravel() for one in ids]), return_inverse=True)
        rows[table.name] = table.layer.rows_of(distinct)
        ends = np.cumsum([one.size for one in ids])[:-1]
        for feature, one, part in zip(features, ids, np.split(local.astype(np.int32), ends), strict=True):
            places[table.name, feature] = part.reshape(one.shape)
    return rows, places
