"""Groups: which optimizer learns which parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import keras

from streamgrad.errors import ExportError


def is_one(identifier: Any) -> bool:
    """Whether it is one optimizer for all parameters, not several for groups of them."""
    if isinstance(identifier, Mapping):
        # A Keras optimizer as its configuration is a dict, too.
        return "class_name" in identifier
    return not isinstance(identifier, keras.optimizers.MultiOptimizer)


def assign(identifier: Any, parameters: Mapping[str, Any]) -> list[tuple[Any, list[str]]]:
    """Each optimizer with the names of its parameters, the default last.

    `identifier` is a dict of optimizers, or Keras' own MultiOptimizer. An optimizer named twice has one group.
    """
    if isinstance(identifier, Mapping):
        chosen = _by_pattern(identifier, parameters)
        default = list(identifier.values())[-1]
    else:
        chosen = {name: _mapped(identifier, variable) for name, variable in parameters.items()}
        default = getattr(identifier._optimizer_map, "default_optimizer", None)
    groups: dict[int, tuple[Any, list[str]]] = {}
    for name, optimizer in chosen.items():
        groups.setdefault(id(optimizer), (optimizer, []))[1].append(name)
    # A stable sort: the default comes last; without one, the group that was met last.
    return sorted(groups.values(), key=lambda group: group[0] is default)


def _mapped(optimizer: Any, variable: Any) -> Any:
    """What a MultiOptimizer has for a variable."""
    try:
        return optimizer._optimizer_map(variable)
    except ValueError as error:
        raise ExportError(f"the MultiOptimizer names no optimizer: {error}") from error


def _by_pattern(patterns: Mapping[Any, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The optimizer of every parameter: that of the first key that matches its name."""
    chosen: dict[str, Any] = {}
    for pattern, optimizer in patterns.items():
        if not isinstance(pattern, str):
            raise ExportError(f"the optimizers' dict has the key {pattern!r}; name a parameter, a layer or a pattern")
        found = [name for name in parameters if name not in chosen and _matches(pattern, name)]
        if not found:
            raise ExportError(
                f"no parameter is left for {pattern!r} in the optimizers' dict; the parameters are "
                f"{', '.join(parameters)}, and the first key that matches one has it"
            )
        chosen.update(dict.fromkeys(found, optimizer))
    rest = [name for name in parameters if name not in chosen]
    if rest:
        raise ExportError(f"the optimizers' dict leaves {', '.join(rest)} without one; add '.*' as its last key")
    return chosen


def _matches(pattern: str, name: str) -> bool:
    """Whether it is the parameter, a layer that owns it, or a regular expression of its whole name."""
    if name == pattern or name.startswith(f"{pattern}/"):
        return True
    try:
        return re.fullmatch(pattern, name) is not None
    except re.error as error:
        raise ExportError(f"{pattern!r} in the optimizers' dict is no pattern: {error}") from error
