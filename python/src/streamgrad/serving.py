"""Serving: a SavedModel without values, which a trainer completes with those of any of its versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from streamgrad import graph
from streamgrad.errors import ExportError
from streamgrad.ids import ids_of_tensor
from streamgrad.names import node_names
from streamgrad.structure import node_of

Signatures = Mapping[str, str | Sequence[str]]

DEFAULT = "serving_default"
"""The signature that gives all outputs."""

METHOD = "tensorflow/serving/predict"
"""What TensorFlow Serving's Predict API asks of a signature."""


def skeleton(graph_def: Any, manifest: Mapping[str, Any], signatures: Signatures | None = None) -> Any:
    """The `SavedModel` of a bundle's graph, whose variables are restored by the names that snapshots give the tensors.

    It takes the model's features, ids of tables among them, and looks the rows up by standard ops; a ragged feature
    comes as its values, and as `NAME/lengths`. `signatures` has outputs by the name of a signature.
    """
    wanted = _signatures(manifest, signatures)
    predict = {output["name"]: output["predict"] for output in manifest["outputs"]}
    needed = graph.pruned(graph_def, predict.values())
    with tf.Graph().as_default() as built:
        inputs, variables, fed = _inputs(manifest), _Variables(), dict[str, Any]()
        reached = {node.name for node in needed.node}
        for column in manifest["features"]:
            for name, tensor in _tensors(column).items():
                fed[tensor] = inputs[name]
        for weight in (*manifest["parameters"], *manifest["state"], *manifest["frozen"]):
            if node_of(weight.get("tensor") or "") in reached:
                fed[weight["tensor"]] = variables.make(weight["name"], weight["dtype"], weight["shape"])
        for table in manifest.get("tables", []):
            if node_of(table["rows"]) in reached:
                fed.update(_looked_up(table, inputs, variables))
        fed = {tensor: value for tensor, value in fed.items() if node_of(tensor) in reached}
        ends = tf.graph_util.import_graph_def(
            _without(needed, map(node_of, fed)), fed, list(predict.values()), name="model"
        )
        outputs = dict(zip(predict, ends, strict=True))
        saver = tf.compat.v1.train.Saver(variables.by_name)
        meta = saver.export_meta_graph(clear_devices=True, strip_default_attrs=True)
    meta.graph_def.CopyFrom(graph.cleaned(built.as_graph_def(), {}))
    meta.meta_info_def.tags.append(tf.saved_model.SERVING)
    for name, given in wanted.items():
        signature = meta.signature_def[name]
        signature.method_name = METHOD
        for output in given:
            _tell(signature.outputs[output], outputs[output])
        for feature in _features_of(graph_def, manifest, [predict[output] for output in given]):
            _tell(signature.inputs[feature], inputs[feature])
    model = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    model.meta_graphs.append(meta)
    return model


class _Variables:
    """The variables made so far, by the names of what is restored into them."""

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}

    def make(self, name: str, dtype: str, shape: Sequence[int | None]) -> Any:
        known = [size or 1 for size in shape]
        variable = tf.compat.v1.Variable(
            lambda: tf.zeros(known, dtype),
            trainable=False,
            name=node_names("variable", [name])[0],
            dtype=dtype,
            use_resource=True,
            shape=tf.TensorShape(shape),
        )
        self.by_name[name] = variable
        return variable


def _signatures(manifest: Mapping[str, Any], given: Signatures | None) -> dict[str, list[str]]:
    outputs = [output["name"] for output in manifest["outputs"]]
    wanted = {DEFAULT: outputs}
    for name, chosen in (given or {}).items():
        names = [chosen] if isinstance(chosen, str) else list(chosen)
        if not name or name == DEFAULT or name.startswith("__"):
            raise ExportError(f"a signature cannot be named {name!r}; {DEFAULT!r} is there, and gives all outputs")
        if not names or not set(names) <= set(outputs):
            raise ExportError(f"signature {name!r} gives {names}, but the model's outputs are {outputs}")
        wanted[name] = names
    return wanted


def _tensors(column: Mapping[str, Any]) -> dict[str, str]:
    """What is fed of a feature, by the names that it has in a signature."""
    lengths = {f"{column['name']}/lengths": column["lengths"]} if column.get("ragged") else {}
    return {column["name"]: column["tensor"], **lengths}


def _inputs(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A placeholder for each input of a signature."""
    inputs: dict[str, Any] = {}
    for column in manifest["features"]:
        for name in _tensors(column):
            if name in inputs:
                raise ExportError(f"two inputs of a SavedModel would be named {name!r}; rename the feature")
            own = name == column["name"]
            dtype, shape = (column["dtype"], column["shape"]) if own else ("int64", [])
            inputs[name] = tf.compat.v1.placeholder(dtype, [None, *shape], node_names("input", [name])[0])
    return inputs


def _looked_up(table: Mapping[str, Any], inputs: Mapping[str, Any], variables: _Variables) -> dict[str, Any]:
    """What is fed of a table: a row for each id of the batch, repeated or not, and where each is."""
    ids = variables.make(f"table/{table['name']}/ids", "int64", [None])
    rows = variables.make(f"table/{table['name']}/rows", "float32", [None, table["dim"]])
    default = tf.constant(table["default_row"] or [0.0] * table["dim"], tf.float32)
    fed, found, before = dict[str, Any](), [], tf.constant(0)
    for feature in table["features"]:
        values = inputs[feature["name"]]
        keys = tf.reshape(ids_of_tensor(values), [-1])
        # The ids are sorted as int64, and there is at least one.
        places = tf.minimum(tf.searchsorted(ids, keys, out_type=tf.int64), tf.size(ids, tf.int64) - 1)
        known = tf.expand_dims(tf.equal(tf.gather(ids, places), keys), -1)
        found.append(tf.where(known, tf.gather(rows, places), default))
        fed[feature["index"]] = tf.reshape(before + tf.range(tf.size(keys)), tf.shape(values))
        before += tf.size(keys)
    return {**fed, table["rows"]: tf.concat(found, 0)}


def _features_of(graph_def: Any, manifest: Mapping[str, Any], tensors: Sequence[str]) -> list[str]:
    """The inputs that these tensors of the bundle's graph need."""
    reached = {node.name for node in graph.pruned(graph_def, tensors).node}
    by_tables = {
        feature["name"]
        for table in manifest.get("tables", [])
        for feature in table["features"]
        if node_of(feature["index"]) in reached
    }
    return [
        name
        for column in manifest["features"]
        if column["name"] in by_tables or reached & set(map(node_of, _tensors(column).values()))
        for name in _tensors(column)
    ]


def _without(graph_def: Any, nodes: Any) -> Any:
    """The graph without what is put in the place of these nodes."""
    gone = set(nodes)
    result = tf.compat.v1.GraphDef()
    result.CopyFrom(graph_def)
    del result.node[:]
    result.node.extend(node for node in graph_def.node if node.name not in gone)
    return result


def _tell(info: Any, tensor: Any) -> None:
    info.name, info.dtype = tensor.name, tensor.dtype.as_datatype_enum
    info.tensor_shape.CopyFrom(tensor.shape.as_proto())
