"""Weights: the model's variables by the names they have in a bundle."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from streamgrad import tables
from streamgrad.columns import WEIGHTS
from streamgrad.errors import ExportError
from streamgrad.names import node_names, unique
from streamgrad.where import named


@dataclass(frozen=True)
class Weight:
    """A Keras variable, its name in the bundle and the node that feeds it.

    `shape` is the whole shape, `kind` what the variable is if the training pass replaces it: `statistic` or `seed`.
    """

    name: str
    node: str
    variable: Any
    dtype: str
    shape: tuple[int, ...]
    kind: str


def parameters_and_others(model: Any) -> tuple[list[Weight], list[Weight]]:
    """What gradients move, and everything else (statistics, seeds, frozen weights), in Keras' order; without tables."""
    named_trainable, named_others = by_name(model)
    trainable, others = list(named_trainable.values()), list(named_others.values())
    if not trainable and not tables.layers_of(model):
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
    for variable in trainable + others:
        value = variable.numpy()
        if value.dtype.kind == "f" and not np.all(np.isfinite(value)):
            raise ExportError(
                f"weight {variable.path!r} of {_owner(model, variable)} holds values that are not finite; start from "
                "weights that are"
            )
    for variable in others:
        if str(variable.dtype) not in WEIGHTS:
            raise ExportError(
                f"weight {variable.path!r} of {_owner(model, variable)} is {variable.dtype}, which a bundle cannot "
                "hold; build the layer with float32 variables"
            )
    seeds = set(_seeds(model))
    parameters = _weights("parameter", list(named_trainable), trainable, seeds)
    return parameters, _weights("state", list(named_others), others, seeds)


def by_name(model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The trainable variables of a model and all others, by the names they have in a bundle; without tables."""
    apart = {id(variable) for layer in tables.layers_of(model) for variable in layer.variables}
    trainable = [variable for variable in model.trainable_variables if id(variable) not in apart]
    others = [variable for variable in model.non_trainable_variables if id(variable) not in apart]
    seeds = _seeds(model)
    # A seed's own path only counts the generators of the process.
    paths = [seeds.get(id(variable), variable.path) for variable in trainable + others]
    names = unique(path.removeprefix(f"{model.name}/") for path in paths)
    split = len(trainable)
    return dict(zip(names, trainable, strict=False)), dict(zip(names[split:], others, strict=True))


def _seeds(model: Any) -> dict[int, str]:
    """The names of seeds by the identity of their variables."""
    return {
        id(generator.state): f"{layer.path or layer.name}/seed"
        for layer in model._flatten_layers()
        for generator in layer._seed_generators
    }


def owner(model: Any, weight: Weight) -> str:
    """The layer that owns a weight, for messages."""
    return _owner(model, weight.variable)


def _weights(prefix: str, names: list[str], variables: list[Any], seeds: Collection[int]) -> list[Weight]:
    return [
        Weight(
            name,
            node,
            variable,
            str(variable.dtype),
            tuple(variable.shape),
            "seed" if id(variable) in seeds else "statistic",
        )
        for name, node, variable in zip(names, node_names(prefix, names), variables, strict=True)
    ]


def _owner(model: Any, variable: Any) -> str:
    for layer in model._flatten_layers(include_self=True):
        own = layer._trainable_variables + layer._non_trainable_variables
        if any(variable is candidate for candidate in own):
            return named(model, layer)
    return named(model, model)
