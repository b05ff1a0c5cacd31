"""Weights: the model's variables by the names they have in a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streamgrad.errors import ExportError
from streamgrad.names import node_names, unique


@dataclass(frozen=True)
class Weight:
    """A Keras variable, its name in the bundle and the node that feeds it. `shape` is the whole shape."""

    name: str
    node: str
    variable: Any
    dtype: str
    shape: tuple[int, ...]


def parameters_and_others(model: Any) -> tuple[list[Weight], list[Weight]]:
    """What gradients move, and everything else (statistics, seeds, frozen weights), in Keras' order."""
    trainable = list(model.trainable_variables)
    others = list(model.non_trainable_variables)
    if not trainable:
        raise ExportError(f"model {model.name!r} has no trainable weights, so there is nothing to learn")
    for variable in trainable:
        if variable.dtype != "float32":
            raise ExportError(
                f"parameter {variable.path!r} of {_owner(model, variable)} is {variable.dtype}, but parameters are "
                "float32; build the layer with dtype 'float32', or a mixed policy whose variables are"
            )
        if variable.constraint is not None:
            raise ExportError(
                f"parameter {variable.path!r} of {_owner(model, variable)} has the constraint "
                f"{type(variable.constraint).__name__}, which a bundle cannot hold; build the layer without it"
            )
        if getattr(variable, "overwrite_with_gradient", False):
            raise ExportError(
                f"parameter {variable.path!r} of {_owner(model, variable)} is overwritten by its gradient "
                "(float8 training), which a bundle cannot hold; build the layer without quantization"
            )
    names = unique(_path(model, variable) for variable in trainable + others)
    split = len(trainable)
    parameters = _weights("parameter", names[:split], trainable)
    return parameters, _weights("state", names[split:], others)


def owner(model: Any, weight: Weight) -> str:
    """The layer that owns a weight, for messages."""
    return _owner(model, weight.variable)


def _weights(prefix: str, names: list[str], variables: list[Any]) -> list[Weight]:
    return [
        Weight(name, node, variable, str(variable.dtype), tuple(variable.shape))
        for name, node, variable in zip(names, node_names(prefix, names), variables, strict=True)
    ]


def _path(model: Any, variable: Any) -> str:
    return str(variable.path).removeprefix(f"{model.name}/")


def _owner(model: Any, variable: Any) -> str:
    for layer in model._flatten_layers(include_self=True):
        own = layer._trainable_variables + layer._non_trainable_variables
        if any(variable is candidate for candidate in own):
            return f"layer {layer.name!r} ({type(layer).__name__})"
    return f"model {model.name!r}"
