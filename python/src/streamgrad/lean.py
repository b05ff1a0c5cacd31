"""Lean graphs: the same values to the last bit from fewer nodes.

A trainer runs with TensorFlow's own graph optimizer switched off, since it costs small models more than it gives
them. What is free of charge is therefore done here, once: no passing on of unchanged tensors, no second computation
of the same thing (so layers before the first dropout are shared by training and prediction), no computation from
constants or shapes alone, no waiting for ops without effect. With a single row, a zero may change its sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from streamgrad import shapes
from streamgrad.structure import Hashes, calls, is_stateful, node_of, op_definition

_PASSING_ON = {"Identity", "StopGradient", "PreventGradient", "Snapshot"}


class Lean:
    """A `GraphDef` on its way to a leaner one.

    `columns` are the fed tensors that have one row for each of the batch. `endpoints` are the tensors whose values must
    stay, each made by an `Identity`; those in `distinct` must also stay tensors of their own, since one run fetches
    them all.
    """

    def __init__(
        self, graph_def: Any, columns: Iterable[str], endpoints: Iterable[str], distinct: Iterable[str]
    ) -> None:
        self._graph_def = graph_def
        self._columns = list(columns)
        self._endpoints = list(dict.fromkeys(endpoints))
        self._distinct = {node_of(tensor) for tensor in distinct}

    def run(self) -> tuple[Any, dict[str, str]]:
        """The lean graph, and the endpoints' new tensors by their old ones."""
        self._forget_order()
        self._shapes = shapes.Shapes(self._graph_def, self._columns)
        self._settle()
        self._forget_order()
        self._bypass()
        renamed = self._merge()
        return self._graph_def, self._name_producers(renamed)

    def _nodes(self) -> dict[str, Any]:
        return {node.name: node for node in self._graph_def.node}

    def _forget_order(self) -> None:
        """Drops control edges from ops that have no effect, and that wait for none."""
        nodes = self._nodes()
        effect: dict[str, bool] = {}
        for name in _in_order(nodes):
            node = nodes[name]
            own = (is_stateful(node.op) or calls(node)) and not _always_holds(node, nodes)
            effect[name] = own or any(effect[node_of(value)] for value in node.input)
        for node in nodes.values():
            kept = [value for value in node.input if not value.startswith("^") or effect[node_of(value)]]
            _set_inputs(node, kept)

    def _settle(self) -> None:
        """Makes constants of what is the same at every run."""
        nodes = self._nodes()
        instead: dict[str, str] = {}
        for tensor, value in shapes.constants(nodes, _in_order(nodes), self._shapes).items():
            node = nodes[node_of(tensor)]
            dtype = self._shapes.dtype(tensor)
            if _outputs(node) != 1:
                instead[tensor] = f"{tensor.replace(':', '/output_')}"
                node = self._graph_def.node.add(name=instead[tensor])
            shapes.become_constant(node, value, dtype)
        for node in nodes.values():
            _set_inputs(node, [instead.get(_tensor(value), value) for value in node.input])

    def _bypass(self) -> None:
        """Takes out what passes a tensor on, except at an endpoint."""
        ends = {node_of(tensor) for tensor in self._endpoints}
        nodes = self._nodes()
        instead: dict[str, str] = {}
        for name in _in_order(nodes):
            node = nodes[name]
            passes = (node.op in _PASSING_ON and len(node.input) == 1) or shapes.unchanged(node, self._shapes, nodes)
            _set_inputs(node, [instead.get(_tensor(value), value) for value in node.input])
            if passes and name not in ends:
                instead[f"{name}:0"] = node.input[0]

    def _merge(self) -> dict[str, str]:
        """One node for all that compute the same; returns, by the name of each merged node, the one that stayed."""
        nodes = self._nodes()
        hashes = Hashes(self._graph_def)
        first: dict[Any, str] = {}

        def alike(name: str) -> Any:
            node = nodes[name]
            shape = self._shapes.of(node.input[0]) if node.op == "Shape" and len(node.input) == 1 else None
            return hashes.of(name) if shape is None else ("Shape", shape, self._shapes.dtype(name))

        instead = {
            name: name if name in self._distinct else first.setdefault(alike(name), name) for name in _in_order(nodes)
        }
        for node in nodes.values():
            _set_inputs(node, [_moved(value, instead) for value in node.input])
        return instead

    def _name_producers(self, merged: Mapping[str, str]) -> dict[str, str]:
        """Gives the op that makes an endpoint the endpoint's name, in place of one more op that passes it on."""
        nodes = self._nodes()
        ends = {tensor: f"{merged[node_of(tensor)]}:{_port(tensor)}" for tensor in self._endpoints}
        producers: dict[str, str] = {}
        for end in dict.fromkeys(ends.values()):
            node = nodes[node_of(end)]
            if node.op != "Identity" or len(node.input) != 1:
                continue
            producer = nodes[node_of(node.input[0])]
            if producer.op in ("Placeholder", "Const", "Identity") or producer.name in producers:
                continue
            if _outputs(producer) == 1:
                producers[producer.name] = node.name
        gone = set(producers.values())
        kept = [node for node in self._graph_def.node if node.name not in gone]
        for node in kept:
            _set_inputs(node, [_moved(value, producers) for value in node.input])
            node.name = producers.get(node.name, node.name)
        copies = [tf.compat.v1.NodeDef.FromString(node.SerializeToString()) for node in kept]
        del self._graph_def.node[:]
        self._graph_def.node.extend(copies)
        return ends


def _in_order(nodes: Mapping[str, Any]) -> list[str]:
    """The names, sources before users."""
    order: list[str] = []
    done: set[str] = set()
    for root in nodes:
        stack = [root]
        while stack:
            name = stack[-1]
            missing = [source for source in map(node_of, nodes[name].input) if source not in done]
            if name in done or not missing:
                stack.pop()
                if name not in done:
                    done.add(name)
                    order.append(name)
            else:
                stack.extend(missing)
    return order


def _always_holds(node: Any, nodes: Mapping[str, Any]) -> bool:
    """Whether a node asserts what is already known."""
    if node.op != "Assert" or nodes[node_of(node.input[0])].op != "Const":
        return False
    return bool(np.all(tf.make_ndarray(nodes[node_of(node.input[0])].attr["value"].tensor)))


def _outputs(node: Any) -> int | None:
    """How many tensors an op gives, or `None` where that depends."""
    definition = op_definition(node.op)
    if definition is None or any(output.number_attr or output.type_list_attr for output in definition.output_arg):
        return None
    return len(definition.output_arg)


def _moved(value: str, instead: Mapping[str, str]) -> str:
    """An input, as it reads once nodes have been replaced."""
    control = "^" if value.startswith("^") else ""
    name, colon, port = value.lstrip("^").partition(":")
    return f"{control}{instead.get(name, name)}{colon}{port}"


def _set_inputs(node: Any, inputs: list[str]) -> None:
    if list(node.input) != inputs:
        del node.input[:]
        node.input.extend(inputs)


def _port(tensor: str) -> str:
    return tensor.partition(":")[2] or "0"


def _tensor(value: str) -> str:
    return value if value.startswith("^") else f"{node_of(value)}:{_port(value)}"
