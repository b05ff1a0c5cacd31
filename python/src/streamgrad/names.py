"""Names: unique within a manifest, and spelled so that TensorFlow takes them as node names."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NOT_IN_A_NODE = re.compile(r"[^A-Za-z0-9_.\-/]")


def unique(names: Iterable[str]) -> list[str]:
    """The names in their order, repeated ones numbered: `a, b, a` becomes `a, b, a_1`."""
    taken: set[str] = set()
    result = []
    for name in names:
        candidate, number = name, 0
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        result.append(candidate)
    return result


def node_names(prefix: str, names: Iterable[str]) -> list[str]:
    """One node name per name, under `prefix`; what TensorFlow does not allow becomes `_`."""
    spelled = (_NOT_IN_A_NODE.sub("_", name).strip("/") or "_" for name in names)
    return [f"{prefix}/{name}" for name in unique(spelled)]
