"""The bundle as a folder: written beside its place, checked there, and put in place by renaming."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from safetensors.numpy import save

from streamgrad.errors import ExportError

MANIFEST = "bundle.json"
GRAPH = "graph.pb"
INITIAL = "initial.safetensors"
TABLES = "tables.safetensors"
SERVING = "serving.pb"

Values = Mapping[str, np.ndarray[Any, Any]]


@contextlib.contextmanager
def replacing(path: Path, overwrite: bool) -> Iterator[Path]:
    """A new folder beside `path` that takes its place when the block ends well, and is removed when it does not."""
    _refuse_occupied(path, overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        # A temporary folder is its owner's alone; a bundle is as readable as any file that its owner makes.
        folder.chmod(0o777 & ~_umask())
        yield folder
        _refuse_occupied(path, overwrite)
        _put(folder, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(folder: Path, graph_def: Any, serving: Any, weights: Values, rows: Values, manifest: dict[str, Any]) -> None:
    """The bundle's files, that of the tables' rows only if there are any; fills the manifest's `files`."""
    written = [GRAPH, SERVING]
    for file, message in zip(written, (graph_def, serving), strict=True):
        (folder / file).write_bytes(message.SerializeToString(deterministic=True))
    for file, values in ((INITIAL, weights), (TABLES, rows)):
        if values or file == INITIAL:
            # `save_file` would make it its owner's alone.
            (folder / file).write_bytes(save({name: np.asarray(value, order="C") for name, value in values.items()}))
            written.append(file)
    manifest["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in written}
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read_graph(folder: Path) -> Any:
    """The `GraphDef` of a written bundle."""
    return tf.compat.v1.GraphDef.FromString((folder / GRAPH).read_bytes())


def _refuse_occupied(path: Path, overwrite: bool) -> None:
    if not os.path.lexists(path):
        return
    if not overwrite:
        raise ExportError(f"{path} exists; give another path, or overwrite=True to replace it")
    if path.is_symlink() or not path.is_dir() or (any(path.iterdir()) and not (path / MANIFEST).is_file()):
        raise ExportError(f"{path} is not a bundle, so overwrite=True leaves it alone; give another path")


def _put(folder: Path, path: Path) -> None:
    if not path.exists():
        folder.rename(path)
        return
    # A folder that is not empty cannot be renamed over: the old one steps aside, and comes back if need be.
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        path.rename(aside / "old")
        try:
            folder.rename(path)
        except OSError:
            (aside / "old").rename(path)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
