"""Foreign parts: what a graph may not hold if it is to run in a process that is not this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf

from streamgrad.errors import ExportError
from streamgrad.structure import node_of, op_definition
from streamgrad.where import layer_of

_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


def refuse(model: Any, graph_def: Any, captures: Mapping[str, Any]) -> None:
    """Raises `ExportError` for the first node that needs this process, naming its layer.

    `captures` are the outside values by the placeholder that stands for each.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}
    for node in graph_def.node:
        if node.name in captures and captures[node.name].dtype in (tf.resource, tf.variant):
            user = next((one.name for one in graph_def.node if node.name in map(node_of, one.input)), node.name)
            raise ExportError(
                f"{layer_of(model, user)} reads a variable or a lookup table that is not the model's own weight, at "
                f"{user!r}; put a lookup right behind an input or use Hashing instead, make the variable a weight of a "
                "layer, and give random layers a keras.random.SeedGenerator of their own"
            )
        for inner in _with_bodies(node, functions):
            reason = _reason(inner)
            if reason:
                raise ExportError(f"{layer_of(model, node.name)} {reason}, at {node.name!r} (op {inner.op})")


def _reason(node: Any) -> str | None:
    if node.op in _PYTHON:
        return "calls Python, which the graph cannot take along; write it with keras.ops or TensorFlow ops"
    definition = op_definition(node.op)
    if definition is None:
        return "uses an op that TensorFlow does not have by itself; use TensorFlow's own ops"
    if any(output.type == tf.resource.as_datatype_enum for output in definition.output_arg):
        return "keeps a value inside the graph, where all values come from outside; make it a weight of the layer"
    if definition.is_stateful and {"seed", "seed2"} <= {attribute.name for attribute in definition.attr}:
        return "draws random numbers that nobody can draw again; use keras.random with a SeedGenerator of the layer"
    return None


def _with_bodies(node: Any, functions: Mapping[str, Any]) -> Iterable[Any]:
    """The node and, if it calls functions, all nodes in their bodies."""
    seen: set[str] = set()
    wanted = [node]
    while wanted:
        one = wanted.pop()
        yield one
        for value in one.attr.values():
            called = [value.func] if value.HasField("func") else value.list.func
            for name in {function.name for function in called} - seen:
                seen.add(name)
                wanted.extend(functions[name].node_def if name in functions else [])
