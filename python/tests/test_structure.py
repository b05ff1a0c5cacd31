import tensorflow as tf

from streamgrad.structure import Hashes


def hashes_of(build):
    with tf.Graph().as_default() as graph:
        names = [tensor.name for tensor in build()]
    hashes = Hashes(graph.as_graph_def())
    return [hashes.of(name) for name in names]


def test_names_do_not_matter_but_attributes_and_inputs_do():
    def build():
        x = tf.compat.v1.placeholder(tf.float32, [2, 2])
        y = tf.compat.v1.placeholder(tf.float32, [2, 2])
        return tf.matmul(x, x), tf.matmul(x, x, name="other"), tf.matmul(x, x, transpose_a=True), tf.matmul(x, y)

    one, two, transposed, other = hashes_of(build)
    assert one == two
    assert len({one, transposed, other}) == 3


def test_outputs_of_one_op_differ():
    a, b = hashes_of(lambda: tf.split(tf.compat.v1.placeholder(tf.float32, [4]), 2))
    assert a != b


def test_loops_are_compared_by_what_they_do():
    def loop(x, step):
        return tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * step), [0, x])[1]

    tf.compat.v1.enable_control_flow_v2()

    def build():
        x = tf.compat.v1.placeholder(tf.float32, [])
        return loop(x, 2.0), loop(x, 2.0), loop(x, 3.0)

    one, two, three = hashes_of(build)
    assert one == two != three


def test_a_deep_graph_does_not_exhaust_the_stack():
    def build():
        x = y = tf.compat.v1.placeholder(tf.float32, [])
        for _ in range(3000):
            y = tf.negative(y)
        return x, y

    one, two = hashes_of(build)
    assert one != two
