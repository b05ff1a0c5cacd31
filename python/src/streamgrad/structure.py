"""Structure: whether two tensors of one graph are the same computation, whatever their nodes are called."""

from __future__ import annotations

import hashlib
from typing import Any


class Hashes:
    """Structural hashes of the tensors of a `GraphDef`.

    Equal hashes mean equal ops with equal attributes on equal inputs, down to the placeholders, which are told apart
    by name. A stateful op equals only itself, since two of it may give two values.
    """

    def __init__(self, graph_def: Any) -> None:
        self._nodes = {node.name: node for node in graph_def.node}
        self._functions = {function.signature.name: function for function in graph_def.library.function}
        self._known: dict[str, str] = {}
        self._function_hashes: dict[str, str] = {}

    def of(self, tensor: str) -> str:
        """The hash of the tensor `node:index`."""
        node, _, index = tensor.partition(":")
        self._hash_below(node)
        return f"{self._known[node]}:{index or 0}"

    def _hash_below(self, root: str) -> None:
        # Depth first without recursion: an unrolled model is deeper than Python's stack.
        stack = [root]
        while stack:
            name = stack[-1]
            if name in self._known:
                stack.pop()
                continue
            node = self._nodes[name]
            missing = [source for source in map(node_of, node.input) if source not in self._known]
            if missing:
                stack.extend(missing)
                continue
            self._known[name] = self._hash(node, [f"{self._known[node_of(i)]}{_port(i)}" for i in node.input])
            stack.pop()

    def _hash(self, node: Any, inputs: list[str]) -> str:
        parts = [node.op, *inputs, *self._attributes(node)]
        if node.op == "Placeholder" or is_stateful(node.op):
            parts.append(node.name)
        return _digest(parts)

    def _attributes(self, node: Any) -> list[str]:
        return [
            f"{key}={self._attribute(value)}" for key, value in sorted(node.attr.items()) if not key.startswith("_")
        ]

    def _attribute(self, value: Any) -> str:
        if value.WhichOneof("value") == "func":
            return self._function(value.func.name)
        if value.WhichOneof("value") == "list" and value.list.func:
            return ",".join(self._function(function.name) for function in value.list.func)
        return str(value.SerializeToString(deterministic=True).hex())

    def _function(self, name: str) -> str:
        if name not in self._functions:
            return name
        if name not in self._function_hashes:
            self._function_hashes[name] = self._hash_function(self._functions[name])
        return self._function_hashes[name]

    def _hash_function(self, function: Any) -> str:
        known = {argument.name: f"argument {i}" for i, argument in enumerate(function.signature.input_arg)}
        nodes = {node.name: node for node in function.node_def}
        wanted = [node_of(value) for value in (*function.ret.values(), *function.control_ret.values())]
        while wanted:
            name = wanted[-1]
            if name in known:
                wanted.pop()
                continue
            missing = [source for source in map(node_of, nodes[name].input) if source not in known]
            if missing:
                wanted.extend(missing)
                continue
            node = nodes[wanted.pop()]
            inputs = [f"{known[node_of(i)]}{_port(i)}" for i in node.input]
            parts = [node.op, *inputs, *self._attributes(node)]
            known[name] = _digest([*parts, name] if is_stateful(node.op) else parts)
        results = (function.ret[argument.name] for argument in function.signature.output_arg)
        return _digest([f"{known[node_of(result)]}{_port(result)}" for result in results])


def is_stateful(op: str) -> bool:
    """Whether an op may give another value on the next run, or does something beside giving a value."""
    definition = op_definition(op)
    return definition is None or bool(definition.is_stateful)


def calls(node: Any) -> bool:
    """Whether a node runs functions of the graph, whatever these do."""
    return any(value.WhichOneof("value") == "func" or value.list.func for value in node.attr.values())


def op_definition(op: str) -> Any:
    """TensorFlow's definition of an op, or `None`."""
    from tensorflow.python.framework import op_def_registry

    return op_def_registry.get(op)


def node_of(value: str) -> str:
    """The node of a tensor `node:index`, or of an input, which may be a control input `^node`."""
    return value.lstrip("^").partition(":")[0]


def _port(value: str) -> str:
    return "^" if value.startswith("^") else ":" + (value.partition(":")[2] or "0")


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
