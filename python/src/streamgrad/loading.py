"""Loading: what a trainer learned, back in the Keras model that was exported."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from streamgrad import snapshots, tables, weights
from streamgrad.errors import SnapshotError

_MOMENTS = re.compile(r".*/moments(_\d+)?")
"""What transforms learn, which are no part of a Keras model."""


def load_into(model: Any, path: str | os.PathLike[str], version: str | None = None) -> str:
    """Sets the weights of a Keras model, and the rows of its tables, to what a trainer of its bundle saved.

    Everything is read and compared first: an error changes nothing. Frozen weights, which a trainer does not change and
    does not save, stay as they are, as does the model's optimizer.

    Args:
        model: The model that was exported, or one that is built alike: the same layers, by the same names.
        path: The folder of a snapshot, complete or a delta, or that of a store.
        version: Which version of the store, such as `9f3c5a7e01b2c3d4-120`; the newest if none is named.

    Returns:
        The version.

    Raises:
        SnapshotError: The snapshot is damaged, or does not fit: names each tensor that differs. A table has more rows
            than the layer has capacity for.
    """
    saved = snapshots.read(Path(path), version)
    if not model.built:
        raise SnapshotError(f"model {model.name!r} has no weights yet; build it, or call it once")
    trainable, others = weights.by_name(model)
    layers = {layer.name: layer for layer in tables.layers_of(model)}
    targets = {**trainable, **{name: variable for name, variable in others.items() if name in saved.values}}
    differences = [f"{name} is only in the model" for name in trainable if name not in saved.values]
    differences += [
        f"{name} is only in the snapshot"
        for name, value in saved.values.items()
        if name not in targets and not (value.dtype == np.float64 and _MOMENTS.fullmatch(name))
    ]
    for name, variable in targets.items():
        value = saved.values.get(name)
        own = str(variable.dtype), tuple(variable.shape)
        if value is not None and (str(value.dtype), value.shape) != own:
            differences.append(f"{name} is {value.dtype}{list(value.shape)}, but {own[0]}{list(own[1])} in the model")
    differences += [f"table {name} is only in the model" for name in layers if name not in saved.tables]
    for name, (ids, rows) in saved.tables.items():
        if name not in layers:
            differences.append(f"table {name} is only in the snapshot")
        elif rows.shape[1] != layers[name].dim:
            differences.append(f"table {name} has rows of {rows.shape[1]}, but of {layers[name].dim} in the model")
        elif ids.size > layers[name].capacity:
            differences.append(
                f"table {name} has {ids.size} rows, but capacity {layers[name].capacity}; build the layer with more"
            )
    if differences:
        raise SnapshotError(f"version {saved.version} does not fit model {model.name!r}: {'; '.join(differences)}")
    for name, variable in targets.items():
        variable.assign(saved.values[name])
    for name, (ids, rows) in saved.tables.items():
        layers[name].replace(ids, rows)
    return saved.version
