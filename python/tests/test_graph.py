import keras
import tensorflow as tf
from models import PEERS

from streamgrad import bundle
from streamgrad.structure import op_definition


def all_nodes(graph_def):
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def


def test_nothing_of_the_tracing_process_is_left(export):
    for name in ("gru", "cnn"):
        peer = PEERS[name]()
        graph_def = bundle.read_graph(export(peer.model, loss=peer.loss)["folder"])
        for node in all_nodes(graph_def):
            assert not node.device and not node.HasField("experimental_debug_info")
            assert not [key for key in node.attr if key.startswith("_")], node.name
            for attribute in op_definition(node.op).attr:
                if attribute.HasField("default_value") and attribute.name in node.attr:
                    kept, default = node.attr[attribute.name], attribute.default_value
                    assert kept.SerializeToString() != default.SerializeToString(), (node.name, attribute.name)


def test_all_functions_are_used(export):
    graph_def = bundle.read_graph(export(PEERS["gru"]().model)["folder"])
    named = {
        function.name
        for node in all_nodes(graph_def)
        for value in node.attr.values()
        for function in ([value.func] if value.HasField("func") else value.list.func)
    }
    assert {function.signature.name for function in graph_def.library.function} == named


def test_the_batch_is_open_and_all_inputs_are_placeholders(export):
    peer = PEERS["wide_deep"]()
    manifest = export(peer.model, loss=peer.loss)
    nodes = {node.name: node for node in bundle.read_graph(manifest["folder"]).node}
    for entry in (*manifest["features"], *manifest["labels"]):
        node = nodes[entry["tensor"].removesuffix(":0")]
        assert node.op == "Placeholder"
        assert [one.size for one in node.attr["shape"].shape.dim] == [-1, *entry["shape"]]
        assert tf.as_dtype(node.attr["dtype"].type).name == entry["dtype"]
    fed = {
        entry["tensor"] for part in ("features", "labels", "parameters", "state", "frozen") for entry in manifest[part]
    }
    assert {f"{name}:0" for name, node in nodes.items() if node.op == "Placeholder"} == fed


def test_one_prediction_under_two_names_is_two_tensors(export):
    x = keras.Input((2,), name="x")
    y = keras.layers.Dense(1)(x)
    manifest = export(keras.Model(x, {"a": y, "b": y}), loss={"a": "mse"})
    for which in ("predict", "train"):
        assert len({entry[which] for entry in manifest["outputs"]}) == 2


def test_an_input_as_output_is_no_placeholder(export):
    x = keras.Input((2,), name="x")
    manifest = export(keras.Model(x, {"a": keras.layers.Dense(1)(x), "b": x}), loss={"a": "mse"})
    assert manifest["outputs"][1]["train"] == manifest["outputs"][1]["predict"] == "predict/b:0"


def test_endpoints_of_one_run_are_tensors_of_their_own(export):
    manifest = export(PEERS["regularized"]().model)
    fetched = [manifest["loss"]["train"], *(one["train"] for one in manifest["outputs"])]
    fetched += [*(one["gradient"] for one in manifest["parameters"]), *(one["next"] for one in manifest["state"])]
    fed = {one["tensor"] for part in ("features", "labels", "parameters") for one in manifest[part]}
    assert len(set(fetched)) == len(fetched) and not fed & set(fetched)
