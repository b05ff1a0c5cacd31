"""Snapshots: what a trainer saved, read with every file compared with its hash. `docs/snapshot-format.md` says how."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from streamgrad.errors import SnapshotError

MODEL = "model.safetensors"
MANIFEST = "snapshot.json"
STORE = "store.json"
MOST_DELTAS = 64

_VERSION = re.compile(r"[0-9a-f]{16}-(0|[1-9][0-9]*)")

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Saved:
    """A version: parameters and state by name, and of each table the ids and their rows."""

    version: str
    values: dict[str, Array]
    tables: dict[str, tuple[NDArray[np.uint64], NDArray[np.float32]]]


def read(path: Path, version: str | None = None) -> Saved:
    """The version that is saved in a snapshot's folder, or in that of a store: the newest, unless one is named."""
    if (path / MANIFEST).is_file():
        manifest, tensors = _read(path, None, MOST_DELTAS)
        if version not in (None, manifest["version"]):
            raise SnapshotError(f"{path} is version {manifest['version']}, not {version}; name the store's folder")
    elif (path / STORE).is_file():
        name = version or _newest(path)
        if name not in _kept(path):
            raise SnapshotError(f"{path} does not keep version {name}; it has {', '.join(_kept(path)) or 'none'}")
        manifest, tensors = _read(path / "snapshots" / name, None, MOST_DELTAS)
    else:
        raise SnapshotError(f"{path} has neither a {MANIFEST} nor a {STORE}; give the folder of a snapshot or a store")
    parts = {name: [array for array, _ in listed] for name, listed in tensors.items()}
    tables = {
        name.removeprefix("table/").removesuffix("/ids")
        for name in parts
        if name.startswith("table/") and name.endswith("/ids") and name.removesuffix("ids") + "removed" in parts
    }
    own = {f"table/{table}/{what}" for table in tables for what in ("ids", "rows", "removed")}
    return Saved(
        manifest["version"],
        {name: listed[-1] for name, listed in parts.items() if name not in own},
        {table: _rows(*(parts[f"table/{table}/{what}"] for what in ("ids", "rows", "removed"))) for table in tables},
    )


def _kept(store: Path) -> list[str]:
    folder = store / "snapshots"
    return sorted(one.name for one in folder.iterdir() if _VERSION.fullmatch(one.name)) if folder.is_dir() else []


def _newest(store: Path) -> str:
    """The highest number of the lineage that was saved last."""
    names = _kept(store)
    lineages = {name.partition("-")[0] for name in names}
    latest = store / "latest"
    if latest.is_file():
        lineage = latest.read_text(encoding="ascii", errors="replace").partition("-")[0]
        names = [name for name in names if name.startswith(f"{lineage}-")]
    elif len(lineages) > 1:
        raise SnapshotError(f"{latest} is missing, and there are several lineages; name a version: {', '.join(names)}")
    if not names:
        raise SnapshotError(f"{store} keeps no version that {latest} could mean")
    return max(names, key=lambda name: int(name.partition("-")[2]))


def _read(folder: Path, sha256: str | None, deltas: int) -> tuple[dict[str, Any], dict[str, list[tuple[Array, bool]]]]:
    """The manifest, and the tensors of the model by name: what they are, or the base's part and each delta's."""
    path = folder / MANIFEST
    text, stated = _bytes(path), _bytes(folder / f"{MANIFEST}.sha256")
    found = hashlib.sha256(text).hexdigest()
    if stated != f"{found}  {MANIFEST}\n".encode() or sha256 not in (None, found):
        raise SnapshotError(f"{path} was altered: its SHA-256 is {found}")
    try:
        manifest = json.loads(text)
    except ValueError as error:
        raise SnapshotError(f"{path} is not JSON") from error
    if manifest.get("format") != 1:
        raise SnapshotError(f"{path} has format {manifest.get('format')}, this package reads 1; use matching versions")
    base: dict[str, list[tuple[Array, bool]]] = {}
    if manifest["base"] is not None:
        of = manifest["base"]
        if not 0 < of["deltas"] <= deltas or not _VERSION.fullmatch(of["version"]):
            raise SnapshotError(f"{path} builds on {of['version']} by {of['deltas']} deltas, at most {deltas} may be")
        _, base = _read(folder.parent / of["version"], of["sha256"], of["deltas"] - 1)
    own: dict[str, Array] = {}
    if MODEL in manifest["files"]:
        content = _bytes(folder / MODEL)
        if hashlib.sha256(content).hexdigest() != manifest["files"][MODEL]["sha256"]:
            raise SnapshotError(f"{folder / MODEL} was altered or cut; take another version")
        try:
            own = load(content)
        except (SafetensorError, ValueError, KeyError) as error:
            raise SnapshotError(f"{folder / MODEL} is no safetensors file: {error}") from error
    tensors = {}
    for tensor in manifest["tensors"]:
        if tensor["file"] == MODEL:
            tensors[tensor["name"]] = _parts(tensor, own, base, folder)
    return manifest, tensors


def _parts(
    tensor: dict[str, Any], own: dict[str, Array], base: dict[str, list[tuple[Array, bool]]], folder: Path
) -> list[tuple[Array, bool]]:
    name = tensor["name"]
    unchanged, changes = bool(tensor.get("unchanged")), bool(tensor.get("changes"))
    earlier = base.get(name, []) if unchanged or changes else []
    last = earlier[-1][0] if unchanged and earlier else own.get(name)
    if last is None or ((unchanged or changes) and not earlier) or (unchanged and changes):
        raise SnapshotError(f"{folder} lacks the tensor {name}, or what it builds on does")
    if (str(last.dtype), list(last.shape)) != (tensor["dtype"], tensor["shape"]):
        raise SnapshotError(f"{folder} has {name} as {last.dtype}{list(last.shape)}, which its manifest does not say")
    return earlier if unchanged else [*earlier, (last, changes)]


def _rows(
    ids: Iterable[Array], rows: Iterable[Array], removed: Iterable[Array]
) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """A table from the complete snapshot on: of each delta first what is gone, then what is set."""
    places: dict[int, Array] = {}
    dim = 0
    for some, values, gone in zip(ids, rows, removed, strict=True):
        dim = values.shape[1]
        for one in gone.tolist():
            places.pop(one, None)
        places.update(zip(some.tolist(), values, strict=True))
    listed = np.array(list(places), np.uint64)
    return listed, np.stack(list(places.values())) if places else np.zeros((0, dim), np.float32)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror}") from error
