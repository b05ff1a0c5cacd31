import numpy as np
import tensorflow as tf

from streamgrad.lean import Lean
from streamgrad.shapes import Shapes


def leaned(build):
    """The nodes that `end` reaches, and a function that runs it before and after."""
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 3], "x")
        tf.identity(build(x), "end")
    before = graph.as_graph_def()
    for node in before.node:
        node.attr.pop("_class", None)
    copy = tf.compat.v1.GraphDef.FromString(before.SerializeToString())
    after, ends = Lean(copy, ["x:0"], ["end:0"], []).run()
    nodes, ops, wanted = {node.name: node for node in after.node}, [], [ends["end:0"].removesuffix(":0")]
    while wanted:
        node = nodes.pop(wanted.pop(), None)
        if node is not None:
            ops.append(node.op)
            wanted += [value.lstrip("^").partition(":")[0] for value in node.input]

    def same(rows):
        feed, results = {"x:0": np.random.default_rng(rows).normal(size=(rows, 3))}, []
        for graph_def, end in ((before, "end:0"), (after, ends["end:0"])):
            with tf.Graph().as_default() as built:
                tf.import_graph_def(graph_def, name="")
                with tf.compat.v1.Session(graph=built) as session:
                    results.append(session.run(end, feed))
        return np.array_equal(*results)

    assert all(same(rows) for rows in (1, 2, 5, 100))
    return sorted(ops)


def test_shapes_are_known_for_every_number_of_rows():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 3], "x")
        tf.reshape(tf.concat([x, x], 0), [-1], name="flat")
        tf.identity(tf.boolean_mask(x, x[:, 0] > 0), name="some_rows")
    shapes = Shapes(graph.as_graph_def(), ["x:0"])
    assert shapes.of("flat:0") == ((6,), (12,), (42,), (6078,))
    assert shapes.of("x_where") is None and shapes.of("some_rows:0") is None


def test_a_gradient_that_was_not_broadcast_is_not_summed():
    def build(x):
        return tf.gradients(tf.reduce_sum((x * 2 + tf.exp(x)) * tf.sin(x)), x)[0]

    ops = leaned(build)
    assert not {"BroadcastGradientArgs", "Sum", "Reshape"} & set(ops)


def test_a_gradient_that_was_broadcast_is_still_summed():
    def build(x):
        total = tf.reduce_sum(x, 0, keepdims=True)
        return tf.gradients(tf.reduce_sum(tf.exp(x) * total), total)[0]

    assert "Sum" in leaned(build)


def test_what_depends_on_the_number_of_rows_stays():
    assert "Shape" in leaned(lambda x: x / tf.cast(tf.shape(x)[0], tf.float32))
    # The smaller of rows and a number: the same for many rows, another for few.
    assert "Minimum" in leaned(lambda x: x * tf.cast(tf.minimum(tf.shape(x)[0], 4), tf.float32))
    assert "StridedSlice" in leaned(lambda x: x[:5])


def test_one_row_is_not_taken_for_a_broadcast():
    def build(x):
        return tf.cond(tf.equal(tf.shape(x)[0], 1), lambda: x * 2, lambda: x * 3)

    leaned(build)


def test_the_same_shape_is_asked_once():
    def build(x):
        return tf.zeros_like(x) + tf.random.stateless_uniform(tf.shape(tf.exp(x)), [1, 2]) * tf.reshape(
            tf.reshape(x, [-1]), tf.shape(tf.sin(x))
        )

    assert leaned(build).count("Shape") == 1


def test_factors_of_one_go():
    ops = leaned(lambda x: tf.exp(x) * 1.0 / 1.0)
    assert ops == ["Exp", "Placeholder"]
    assert "Mul" in leaned(lambda x: tf.exp(x) * tf.ones([2, 1, 1]))
