"""Shapes: what a graph computes from the number of rows alone, settled once instead of at every step.

Keras traces for any number of rows, so gradients ask again and again which dimensions were broadcast, and sum over
none of them. The graph's shapes are inferred by TensorFlow for several numbers of rows; what comes out the same for all
is a constant, and a tensor brought into the shape that it has is that tensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from streamgrad.structure import calls, is_stateful, node_of

ROWS = (1, 2, 7, 1013)
"""The numbers of rows that are tried; every column of a batch has the same."""

_LARGEST = 16 * 1024
"""Elements above which a constant would only make the bundle larger."""

_SAME_ELEMENTS = {"Reshape", "BroadcastTo"}
_REDUCTIONS = {"Sum", "Mean", "Prod", "Max", "Min"}
_FACTORS = {"Mul", "RealDiv", "Div"}

Value = np.ndarray[Any, Any]


class Shapes:
    """The static shape of every tensor of a graph, at each of `ROWS`."""

    def __init__(self, graph_def: Any, columns: Iterable[str]) -> None:
        fed = {node_of(tensor) for tensor in columns}
        self._known = {node.name for node in graph_def.node}
        self._graphs = [self._at(graph_def, fed, rows) for rows in ROWS]

    def of(self, tensor: str) -> tuple[tuple[int, ...], ...] | None:
        """One shape for each of `ROWS`, or `None` if any has a dimension that TensorFlow cannot tell.

        Also `None` for the tensor of a node that came into the graph later.
        """
        if node_of(tensor) not in self._known:
            return None
        found = [graph.get_tensor_by_name(tensor if ":" in tensor else f"{tensor}:0").shape for graph in self._graphs]
        return tuple(tuple(shape) for shape in found) if all(shape.is_fully_defined() for shape in found) else None

    def dtype(self, tensor: str) -> Any:
        """The tensor's dtype."""
        return self._graphs[0].get_tensor_by_name(tensor if ":" in tensor else f"{tensor}:0").dtype

    def outputs(self, node: str) -> list[str]:
        """The tensors that a node gives."""
        return [tensor.name for tensor in self._graphs[0].get_operation_by_name(node).outputs]

    @staticmethod
    def _at(graph_def: Any, columns: set[str], rows: int) -> tf.Graph:
        copy = tf.compat.v1.GraphDef()
        copy.CopyFrom(graph_def)
        for node in copy.node:
            if node.name in columns:
                node.attr["shape"].shape.dim[0].size = rows
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(copy, name="")
        return graph


def constants(nodes: Mapping[str, Any], order: Iterable[str], shapes: Shapes) -> dict[str, Value]:
    """The tensors that shapes and constants alone decide, and that are the same for any number of rows.

    `order` is that of the nodes, sources first.
    """
    computed = list(_from_shapes(nodes, order, shapes))
    tensors = [tensor for name in computed for tensor in shapes.outputs(name)]
    if not tensors:
        return {}
    runs = [_values(nodes, computed, tensors, shapes, i) for i in range(len(ROWS))]
    settled = {}
    for tensor in tensors:
        values = [run[tensor] for run in runs]
        if nodes[node_of(tensor)].op == "BroadcastGradientArgs":
            # Over a single row, summing and not summing are the same: what is right for more rows is right for one.
            values = values[1:]
        if all(value.shape == values[0].shape and value.tobytes() == values[0].tobytes() for value in values):
            settled[tensor] = values[0]
    return settled


def unchanged(node: Any, shapes: Shapes, nodes: Mapping[str, Any]) -> bool:
    """Whether a node gives its first input back."""
    if node.op not in _SAME_ELEMENTS | _REDUCTIONS | _FACTORS or any(value.startswith("^") for value in node.input):
        return False
    before = shapes.of(node.input[0])
    if before is None or before != shapes.of(node.name):
        return False
    if node.op in _SAME_ELEMENTS:
        return True
    if nodes[node_of(node.input[1])].op != "Const":
        return False
    other = tf.make_ndarray(nodes[node_of(node.input[1])].attr["value"].tensor)
    if node.op in _REDUCTIONS:
        return bool(other.size == 0)
    return bool(other.dtype.kind == "f" and np.all(other == 1))


def _from_shapes(nodes: Mapping[str, Any], order: Iterable[str], shapes: Shapes) -> Iterable[str]:
    """The nodes that are computed from shapes and constants, and are small themselves."""
    known = {name for name, node in nodes.items() if node.op == "Const" and not node.input}
    for name in order:
        node = nodes[name]
        if name in known or not _is_pure(node):
            continue
        decided = _asks_shape(node, shapes) or all(node_of(value) in known for value in node.input)
        if decided and all(_is_small(node, shapes, tensor) for tensor in shapes.outputs(name)):
            known.add(name)
            yield name


def _is_pure(node: Any) -> bool:
    controlled = any(value.startswith("^") for value in node.input)
    return bool(node.input) and not controlled and not is_stateful(node.op) and not calls(node)


def _asks_shape(node: Any, shapes: Shapes) -> bool:
    return node.op in ("Shape", "Size", "Rank") and shapes.of(node.input[0]) is not None


def _is_small(node: Any, shapes: Shapes, tensor: str) -> bool:
    if shapes.dtype(tensor) in (tf.string, tf.variant, tf.resource):
        return False
    shape = shapes.of(tensor)
    if shape is None:
        # How many dimensions were broadcast is known only once it is computed, but they are never many.
        return bool(node.op == "BroadcastGradientArgs")
    return max(int(np.prod(one)) for one in shape) <= _LARGEST


def _values(
    nodes: Mapping[str, Any], computed: list[str], tensors: list[str], shapes: Shapes, at: int
) -> dict[str, Value]:
    """The tensors' values for the number of rows `ROWS[at]`, run without the data that the shapes are of."""
    graph_def = tf.compat.v1.GraphDef()
    wanted, seen = list(computed), set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        node = nodes[name]
        copy = graph_def.node.add()
        copy.CopyFrom(node)
        found = shapes.of(node.input[0]) if _asks_shape(node, shapes) else None
        if found is not None:
            shape = np.array(found[at], np.int64)
            value: Any = {"Shape": shape, "Size": np.prod(shape), "Rank": np.array(len(shape))}[node.op]
            become_constant(copy, value, shapes.dtype(name))
        else:
            wanted.extend(node_of(value) for value in node.input)
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(graph_def, name="")
    with tf.compat.v1.Session(graph=graph) as session:
        values: dict[str, Value] = session.run({tensor: tensor for tensor in tensors})
    return values


def become_constant(node: Any, value: Any, dtype: Any) -> None:
    """Makes a node the constant `value` under the name that it has."""
    name = node.name
    node.Clear()
    node.name, node.op = name, "Const"
    node.attr["dtype"].type = dtype.as_datatype_enum
    array = np.asarray(value, dtype.as_numpy_dtype)
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array, dtype=dtype, shape=array.shape))
