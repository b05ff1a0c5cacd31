"""Graph: from what TensorFlow traced to what a bundle holds, with nothing in it that the endpoints do not need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf

from streamgrad import foreign
from streamgrad.lean import Lean
from streamgrad.structure import node_of, op_definition
from streamgrad.trace import Traced


def finish(model: Any, traced: Traced) -> Any:
    """The `GraphDef` of a bundle, which computes the endpoints of `traced` from its placeholders.

    The endpoints in `traced` are renamed to the tensors that they are in it. Raises `ExportError` where the graph needs
    something of this process, naming the layer of the Keras `model` that brought it in.
    """
    needed = pruned(traced.graph_def, [*traced.endpoints(), *traced.placeholders()])
    foreign.refuse(model, needed, traced.captures)
    nodes = cleaned(needed, traced.captures)
    lean, endpoints = Lean(nodes, traced.by_row, traced.endpoints(), traced.distinct()).run()
    traced.rename(endpoints)
    return pruned(lean, [*traced.endpoints(), *traced.placeholders()])


def cleaned(graph_def: Any, captures: Mapping[str, Any]) -> Any:
    """A `GraphDef` without anything that belongs to the process that traced it, or that only newer TensorFlow knows.

    Captured values become constants. Devices, debug information, private attributes and attributes at their default go.
    """
    result = tf.compat.v1.GraphDef()
    result.versions.CopyFrom(graph_def.versions)
    for node in graph_def.node:
        if node.name in captures:
            result.node.append(_constant(node.name, captures[node.name]))
        else:
            _strip(node, result.node.add())
    for original in graph_def.library.function:
        function = result.library.function.add()
        function.signature.CopyFrom(original.signature)
        function.ret.update(original.ret)
        function.control_ret.update(original.control_ret)
        for node in original.node_def:
            _strip(node, function.node_def.add())
    return result


def pruned(graph_def: Any, tensors: Iterable[str]) -> Any:
    """The nodes and functions that `tensors` need.

    Placeholders are among them even where no endpoint reaches them, so that whoever feeds by the manifest can feed all.
    """
    result = tf.compat.v1.GraphDef()
    result.versions.CopyFrom(graph_def.versions)
    kept = _reachable({node.name: node for node in graph_def.node}, tensors)
    result.node.extend(node for node in graph_def.node if node.name in kept)
    functions = {function.signature.name: function for function in graph_def.library.function}
    for name in sorted(_used_functions(result.node, functions)):
        result.library.function.append(functions[name])
    return result


def _reachable(nodes: Mapping[str, Any], tensors: Iterable[str]) -> set[str]:
    wanted = [node_of(tensor) for tensor in tensors]
    kept: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept.add(name)
            wanted.extend(node_of(source) for source in nodes[name].input)
    return kept


def _constant(name: str, value: Any) -> Any:
    node = tf.compat.v1.NodeDef(name=name, op="Const")
    node.attr["dtype"].type = value.dtype.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value.numpy(), dtype=value.dtype, shape=value.shape))
    return node


def _strip(node: Any, into: Any) -> None:
    """Copies a node without its device, debug information, private attributes and defaults.

    `_lower_using_switch_merge` is among the private ones: a loop stays the one op `While`, which the single-threaded
    executor takes, where the old control flow it would be lowered to is refused there.
    """
    into.name, into.op = node.name, node.op
    into.input.extend(node.input)
    definition = op_definition(node.op)
    defaults = {a.name: a.default_value for a in definition.attr if a.HasField("default_value")} if definition else {}
    for key, value in node.attr.items():
        if not key.startswith("_") and not (key in defaults and defaults[key] == value):
            into.attr[key].CopyFrom(value)


def _used_functions(nodes: Iterable[Any], functions: Mapping[str, Any]) -> set[str]:
    used: set[str] = set()
    wanted = [list(nodes)]
    while wanted:
        for name in {name for node in wanted.pop() for name in _function_names(node) if name in functions}:
            if name not in used:
                used.add(name)
                wanted.append(list(functions[name].node_def))
    return used


def _function_names(node: Any) -> Iterable[str]:
    yield node.op
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        elif value.HasField("list"):
            yield from (function.name for function in value.list.func)
