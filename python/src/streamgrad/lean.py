"""Lean graphs: the same values to the last bit from fewer nodes.

A trainer runs with TensorFlow's own graph optimizer switched off, since it costs small models more than it gives
them. What is free of charge is therefore done here, once: no passing on of unchanged tensors, no second computation
of the same thing (so layers before the first dropout are shared by training and prediction), no computation from
constants alone, no waiting for ops without effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf

from streamgrad.structure import Hashes, is_stateful, node_of, op_definition

_PASSING_ON = {"Identity", "StopGradient", "PreventGradient", "Snapshot"}
_LARGEST_CONSTANT = 64 * 1024
"""Bytes above which a folded constant would only make the bundle larger."""


class Lean:
    """A `GraphDef` on its way to a leaner one.

    `endpoints` are the tensors whose values must stay, each made by an `Identity`; those in `distinct` must also stay
    tensors of their own, since one run fetches them all.
    """

    def __init__(self, graph_def: Any, endpoints: Iterable[str], distinct: Iterable[str]) -> None:
        self._graph_def = graph_def
        self._endpoints = list(dict.fromkeys(endpoints))
        self._distinct = {node_of(tensor) for tensor in distinct}

    def run(self) -> tuple[Any, dict[str, str]]:
        """The lean graph, and the endpoints' new tensors by their old ones."""
        self._forget_order()
        self._bypass()
        self._fold()
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
            effect[name] = is_stateful(node.op) or _calls(node) or any(effect[node_of(value)] for value in node.input)
        for node in nodes.values():
            kept = [value for value in node.input if not value.startswith("^") or effect[node_of(value)]]
            _set_inputs(node, kept)

    def _bypass(self) -> None:
        """Takes out what passes a tensor on, except at an endpoint."""
        ends = {node_of(tensor) for tensor in self._endpoints}
        nodes = self._nodes()
        instead: dict[str, str] = {}
        for name in _in_order(nodes):
            node = nodes[name]
            _set_inputs(node, [instead.get(_tensor(value), value) for value in node.input])
            if node.op in _PASSING_ON and len(node.input) == 1 and name not in ends:
                instead[f"{name}:0"] = node.input[0]

    def _fold(self) -> None:
        """Computes what depends on constants alone."""
        nodes = self._nodes()
        graph = tf.Graph()
        with graph.as_default():
            # A copy: importing writes the attributes' defaults into what it is given.
            copy = tf.compat.v1.GraphDef()
            copy.CopyFrom(self._graph_def)
            tf.import_graph_def(copy, name="")
        constant: set[str] = set()
        computed: dict[str, Any] = {}
        for name in _in_order(nodes):
            node = nodes[name]
            if node.op == "Const" and not node.input:
                constant.add(name)
            elif _is_foldable(node) and all(node_of(value) in constant for value in node.input):
                tensor = graph.get_operation_by_name(name).outputs[0]
                if tensor.dtype not in (tf.string, tf.variant, tf.resource):
                    constant.add(name)
                    computed[name] = tensor
        with tf.compat.v1.Session(graph=graph) as session:
            values = session.run(computed)
        for name, value in values.items():
            if value.nbytes <= _LARGEST_CONSTANT:
                node, dtype = nodes[name], computed[name].dtype
                node.Clear()
                node.name, node.op = name, "Const"
                node.attr["dtype"].type = dtype.as_datatype_enum
                node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, dtype=dtype, shape=value.shape))

    def _merge(self) -> dict[str, str]:
        """One node for all that compute the same; returns, by the name of each merged node, the one that stayed."""
        nodes = self._nodes()
        hashes = Hashes(self._graph_def)
        first: dict[str, str] = {}
        instead = {
            name: name if name in self._distinct else first.setdefault(hashes.of(name), name)
            for name in _in_order(nodes)
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


def _calls(node: Any) -> bool:
    """Whether a node runs functions of the graph, whatever these do."""
    return any(value.WhichOneof("value") == "func" or value.list.func for value in node.attr.values())


def _is_foldable(node: Any) -> bool:
    controlled = any(value.startswith("^") for value in node.input)
    return bool(node.input) and not controlled and _outputs(node) == 1 and not is_stateful(node.op) and not _calls(node)


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
