import json

import pytest
import tensorflow as tf

import streamgrad
from streamgrad import ancestor


def graph_of(path):
    graph_def = tf.compat.v1.GraphDef.FromString(path.with_suffix(".pb").read_bytes())
    return {node.name: node for node in graph_def.node}


@pytest.mark.parametrize("name", list(ancestor.MODELS))
def test_graph_and_json_agree(name, tmp_path):
    model = ancestor.MODELS[name]
    path = ancestor.write(tmp_path, model)
    said, nodes = json.loads(path.read_text(encoding="utf-8")), graph_of(path)
    other = said["other"]
    assert {"input_x", "input_y", "logits", "ws_init", *other["observe"], *other["gradient"]} <= set(nodes)
    assert {node.name for node in nodes.values() if node.op == "VariableV2"} == set(other["dense"])
    assert set(said["dense_shape"]) == set(other["dense"])
    assert other["gradient"] == [f"d-{variable}" for variable in other["dense"]]
    assert other["input_size"][1:] == list(model.input_row)
    assert [dim.size for dim in nodes["input_x"].attr["shape"].shape.dim] == [-1, *model.input_row]


def test_a_graph_may_hold_its_batch_and_lack_gradients(tmp_path):
    path = ancestor.write(tmp_path, ancestor.MODELS["lr"], batch_size=8, gradients=False)
    assert json.loads(path.read_text(encoding="utf-8"))["other"]["gradient"] == []
    nodes = graph_of(path)
    assert nodes["input_y"].attr["shape"].shape.dim[0].size == 8
    assert not any(name.startswith("d-") for name in nodes)


def test_the_same_seed_writes_the_same_graph(tmp_path):
    first, second, other = (
        ancestor.write(tmp_path / str(i), ancestor.MODELS["fm"], seed=seed).with_suffix(".pb").read_bytes()
        for i, seed in enumerate((1, 1, 2))
    )
    assert first == second != other


def test_what_the_template_does_not_have_cannot_be_observed(tmp_path):
    with pytest.raises(streamgrad.ExportError, match="no endpoint 'auc' to observe"):
        ancestor.write(tmp_path, ancestor.MODELS["lr"], observe=["loss", "auc"])
    assert not list(tmp_path.iterdir())
