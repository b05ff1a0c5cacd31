import embedding
import keras
import numpy as np
import pytest
import tensorflow as tf
from models import PEERS, Peer

import streamgrad
from streamgrad import bundle, check

READ = bundle.read_graph


def of_strings():
    """A model with tables and ragged columns."""
    return Peer(embedding.strings(), "binary_crossentropy", None)


@pytest.mark.parametrize(
    ("build", "node", "named"),
    [
        (PEERS["cnn"], "train/gradient/norm/gamma", "gradient 'norm/gamma'"),
        (PEERS["cnn"], "train/loss", "the training loss"),
        (PEERS["cnn"], "evaluate/loss", "the inference loss"),
        (PEERS["cnn"], "train/state/norm/moving_mean", "state 'norm/moving_mean'"),
        (PEERS["cnn"], "predict/digit", "output 'digit'"),
        (of_strings, "train/gradient/table/word", "gradient 'word'"),
    ],
)
def test_a_graph_that_differs_is_found(build, node, named, refused, monkeypatch):
    """An error of one percent in one endpoint of the written graph."""

    def altered(folder):
        graph_def = READ(folder)
        found = next(one for one in graph_def.node if one.name == node)
        inner = graph_def.node.add()
        inner.CopyFrom(found)
        inner.name = "inner"
        for one in graph_def.node:
            if one.name not in ("inner", node):
                one.input[:] = ["inner" if value == node else value for value in one.input]
        factor = graph_def.node.add(name="factor", op="Const")
        factor.attr["dtype"].type = tf.float32.as_datatype_enum
        factor.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(1.01))
        found.Clear()
        found.name, found.op = node, "Mul"
        found.input.extend(["inner", "factor"])
        found.attr["T"].type = tf.float32.as_datatype_enum
        return graph_def

    monkeypatch.setattr(bundle, "read_graph", altered)
    peer = build()
    message = refused(peer.model, loss=peer.loss)
    assert "differs from the Keras model" in message and named in message


def test_a_graph_that_fails_is_not_taken_for_unfit_rows(refused, linear, monkeypatch):
    def altered(folder):
        graph_def = READ(folder)
        next(one for one in graph_def.node if one.name == "feature/numbers").attr["shape"].shape.dim[1].size = -1
        node = next(one for one in graph_def.node if one.op == "MatMul" and one.input[0] == "feature/numbers")
        node.attr["transpose_a"].b = True
        return graph_def

    monkeypatch.setattr(bundle, "read_graph", altered)
    assert "fails where the Keras model does not" in refused(linear)


def test_every_number_of_rows_is_run(export, linear, monkeypatch):
    sizes = []
    compare = check.compare
    monkeypatch.setattr(check, "compare", lambda *a: (sizes.append(len(a[3]["numbers"])), compare(*a)))
    export(linear, example=np.ones((3, 2)))
    assert sizes == [1, 7, 64]


def test_rows_repeat_ids_and_ragged_ones_may_be_empty(export, monkeypatch):
    batches = []
    compare = check.compare
    monkeypatch.setattr(check, "compare", lambda *a: (batches.append(a[3]), compare(*a)))
    export(embedding.strings())
    assert [len(batch["carrier"]) for batch in batches] == [1, 7, 64]
    lengths = [len(row) for row in batches[-1]["words"]]
    assert 0 in lengths and max(lengths) > 2
    assert lengths == [len(row) for row in batches[-1]["weights"]]
    assert len(set(batches[-1]["carrier"])) < 64


def test_seeds_and_statistics_are_put_back(tmp_path):
    peer = PEERS["cnn"]()
    before = {variable.path: variable.numpy() for variable in peer.model.variables}
    streamgrad.export(peer.model, tmp_path / "b", loss=peer.loss, optimizer="sgd")
    for variable in peer.model.variables:
        assert np.array_equal(before[variable.path], variable.numpy()), variable.path


def test_rows_that_only_the_user_has(export, refused):
    class Picky(keras.layers.Layer):
        """Fails on any row that does not sum to a thousand."""

        def call(self, x):
            tf.debugging.assert_near(tf.reduce_sum(x, -1), 1000.0)
            return x

    def model():
        return keras.Sequential([keras.Input((2,)), Picky(), keras.layers.Dense(1)])

    assert "give a few real ones as `example`" in refused(model())
    assert export(model(), example=np.array([[400.0, 600.0], [1.0, 999.0]]))
    message = refused(model(), example=(np.ones((2, 2)), np.ones((2, 1))))
    assert "fails on the rows of `example`" in message
