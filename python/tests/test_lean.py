import keras
import numpy as np
import pytest
import tensorflow as tf
from models import OTHERS, PEERS

from streamgrad import bundle, graph, lean
from streamgrad.weights import parameters_and_others


def run(graph_def, fetches, feed):
    """As a trainer runs it: TensorFlow's own optimizer would rewrite the two graphs in two ways."""
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf.Graph().as_default() as built:
        tf.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session(graph=built, config=config) as session:
            return session.run(fetches, feed)


def needed(graph_def, tensors):
    """How many nodes the tensors need."""
    nodes, seen, wanted = {node.name: node for node in graph_def.node}, set(), list(tensors)
    while wanted:
        name = wanted.pop().lstrip("^").partition(":")[0]
        if name not in seen:
            seen.add(name)
            wanted += nodes[name].input
    return len(seen)


@pytest.mark.parametrize("name", [*PEERS, *OTHERS])
def test_no_bit_changes(name, export, monkeypatch):
    """What every endpoint gives, before and after."""
    seen = []

    class Watched(lean.Lean):
        def __init__(self, graph_def, *arguments):
            self.before = tf.compat.v1.GraphDef.FromString(graph_def.SerializeToString())
            super().__init__(graph_def, *arguments)

        def run(self):
            after, ends = super().run()
            seen.append((self.before, after, ends))
            return after, ends

    monkeypatch.setattr(graph, "Lean", Watched)
    peer = (PEERS | OTHERS)[name]()
    manifest = export(peer.model, loss=peer.loss, label=peer.label, **peer.arguments)
    (before, after, ends), random = seen[0], np.random.default_rng(3)
    x, y = peer.rows(random, 9)
    labels = y if isinstance(y, dict) else {manifest["labels"][0]["output"]: y}
    feed = {entry["tensor"]: x[entry["name"]] for entry in manifest["features"]}
    feed.update({entry["tensor"]: labels[entry["output"]] for entry in manifest["labels"]})
    columns = set(feed)
    values = {weight.name: weight.variable.numpy() for group in parameters_and_others(peer.model) for weight in group}
    fed = [entry for part in ("parameters", "state", "frozen") for entry in manifest[part]]
    feed.update({entry["tensor"]: values[entry["name"]] for entry in fed})
    old, new = run(before, list(ends), feed), run(after, list(ends.values()), feed)
    for end, one, other in zip(ends, old, new, strict=True):
        assert one.tobytes() == other.tobytes(), end
    assert needed(after, ends.values()) < needed(before, ends)
    # A single row: zeros may have another sign, and nothing else.
    single = {tensor: value[:1] if tensor in columns else value for tensor, value in feed.items()}
    old, new = run(before, list(ends), single), run(after, list(ends.values()), single)
    for end, one, other in zip(ends, old, new, strict=True):
        assert np.array_equal(one, other), (end, np.max(np.abs(one - other)))


def leaned(build, distinct=()):
    with tf.Graph().as_default() as built:
        ends = build()
    graph_def = built.as_graph_def()
    columns = [node.name for node in graph_def.node if node.op == "Placeholder"]
    after, moved = lean.Lean(graph_def, columns, [end.name for end in ends], list(distinct)).run()
    return {node.name: node for node in after.node}, [moved[end.name] for end in ends]


def test_what_constants_make_is_a_constant():
    def build():
        x = tf.compat.v1.placeholder(tf.float32, [None], "x")
        return [tf.identity(x * tf.sqrt(tf.constant(4.0)), "end")]

    nodes, (end,) = leaned(build)
    assert end == "end:0" and nodes["end"].op == "Mul"
    folded = nodes[nodes["end"].input[1].partition(":")[0]]
    assert folded.op == "Const" and tf.make_ndarray(folded.attr["value"].tensor) == 2


def test_the_same_twice_is_computed_once_but_stays_two_gradients():
    def build():
        x = tf.compat.v1.placeholder(tf.float32, [None], "x")
        return [tf.identity(tf.exp(x), "one"), tf.identity(tf.exp(x), "two")]

    _, (one, two) = leaned(build)
    assert one == two
    nodes, (one, two) = leaned(build, ["one:0", "two:0"])
    assert one != two
    assert sum(node.op == "Exp" for node in nodes.values() if node.name in ("one", "two")) == 1


def test_random_ops_are_not_taken_for_the_same():
    def build():
        return [tf.identity(tf.random.normal([2]) - tf.random.normal([2]), "end")]

    nodes, _ = leaned(build)
    assert len(set(nodes["end"].input)) == 2


def test_checks_are_still_waited_for():
    def build():
        x = tf.compat.v1.placeholder(tf.float32, [None], "x")
        with tf.control_dependencies([tf.debugging.assert_positive(x)]):
            return [tf.identity(tf.sqrt(x), "end")]

    nodes, _ = leaned(build)
    reached, wanted = set(), ["end"]
    while wanted:
        name = wanted.pop()
        if name not in reached:
            reached.add(name)
            wanted += [value.lstrip("^").partition(":")[0] for value in nodes[name].input]
    assert any(nodes[name].op in ("Assert", "If", "StatelessIf") for name in reached)


def test_checks_that_always_hold_go(export):
    model = keras.Sequential([keras.Input((5, 2)), keras.layers.Dense(3, "softmax", name="kind")])
    graph_def = bundle.read_graph(export(model, loss="sparse_categorical_crossentropy")["folder"])
    assert "Assert" not in {node.op for node in graph_def.node}


def test_layers_before_the_first_dropout_are_shared(export):
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, name="first"), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    )
    graph_def = bundle.read_graph(export(model)["folder"])
    fed_by_input = [node for node in graph_def.node if node.op == "MatMul" and "feature/input" in node.input[0]]
    assert sum("gradient" not in node.name for node in fed_by_input) == 1
