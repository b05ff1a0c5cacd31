import json

import embedding as peer
import keras
import numpy as np
import pytest
import replay
import tensorflow as tf
from safetensors.numpy import load_file

from streamgrad.layers import Embedding

layers = keras.layers


def ids(name, shape=(), dtype="int64"):
    return keras.Input(shape, dtype=dtype, name=name)


def tags(name="tags", dtype="int64"):
    return keras.Input((None,), dtype=dtype, ragged=True, name=name)


def scored(inputs, *rows):
    parts = rows[0] if len(rows) == 1 else layers.Concatenate()(list(rows))
    return keras.Model(inputs, layers.Dense(1, name="score")(parts), name="scored")


@pytest.fixture
def run():
    """Runs a bundle's training pass on rows fed by hand."""

    def fetch(manifest, tensors, feed):
        graph = tf.Graph()
        with graph.as_default():
            graph_def = tf.compat.v1.GraphDef.FromString((manifest["folder"] / "graph.pb").read_bytes())
            tf.import_graph_def(graph_def, name="")
        weights = load_file(manifest["folder"] / "initial.safetensors")
        fed = {one["tensor"]: weights[one["name"]] for part in ("parameters", "frozen") for one in manifest[part]}
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run(tensors, fed | feed)

    return fetch


@pytest.mark.parametrize("name", ["sgd", "adagrad"])
def test_learns_as_a_dense_embedding_does(name, tmp_path):
    peer.write(tmp_path, name)
    worst = replay.replay(tmp_path, f"embedding-{name}")
    assert {"loss", "prediction", "gradient", "parameter", "table"} <= set(worst)
    assert max(worst.values()) <= replay.ALLOWED, worst
    start = load_file(tmp_path / f"embedding-{name}.bundle" / "tables.safetensors")
    end = load_file(tmp_path / f"embedding-{name}.safetensors")
    for table in ("item", "wide", "user"):
        assert np.all(np.any(start[f"{table}/rows"] != end[f"table/{table}/rows"], axis=1)), "a row has not learned"


@pytest.mark.parametrize("name", ["strings", "settings", "alone"])
def test_exports_the_models_of_the_peers(name, export):
    manifest = export(getattr(peer, name)(), loss="binary_crossentropy")
    assert "tables.safetensors" not in manifest["files"]
    assert not (manifest["folder"] / "tables.safetensors").exists()


def test_what_stands_in_the_manifest(export):
    aircraft, both = ids("tailnum", dtype="string"), tags()
    table = Embedding("aircraft", 8)
    tagged = Embedding("tag", 2, combiner="sum", seed=3, expire_after_steps=5)
    manifest = export(scored([aircraft, both], table(aircraft), tagged(both)))
    assert manifest["format"] == 1
    assert manifest["features"] == [
        {"name": "tailnum", "dtype": "string", "shape": [], "fields": ["tailnum"], "tensor": "feature/tailnum:0"},
        {"name": "tags", "dtype": "int64", "shape": [], "fields": ["tags"], "tensor": "feature/tags:0", "ragged": True,
         "lengths": "feature/tags/lengths:0"},
    ]  # fmt: skip
    assert manifest["tables"] == [
        {
            "name": "aircraft", "dim": 8, "seed": 0, "initializer": {"kind": "uniform", "low": -0.05, "high": 0.05},
            "default_row": [], "admission": {"kind": "always"}, "expiry": {"kind": "never"}, "budget": None,
            "rows": "table/aircraft/rows:0", "gradient": "train/gradient/table/aircraft:0",
            "features": [{"name": "tailnum", "index": "table/aircraft/index/tailnum:0"}],
        },
        {
            **tagged.spec, "rows": "table/tag/rows:0", "gradient": "train/gradient/table/tag:0",
            "features": [{"name": "tags", "index": "table/tag/index/tags:0"}],
        },
    ]  # fmt: skip
    weights = [one["name"] for part in ("parameters", "state", "frozen") for one in manifest[part]]
    assert weights == ["score/kernel", "score/bias"]
    assert set(load_file(manifest["folder"] / "initial.safetensors")) == set(weights)


def test_without_tables_nothing_stands_there(export, linear):
    manifest = export(linear)
    assert "tables" not in manifest
    assert all("ragged" not in one for one in manifest["features"])
    assert set(manifest["files"]) == {"graph.pb", "initial.safetensors", "serving.pb"}


def test_placeholders_have_the_shapes_of_the_format(export, run):
    one, three, many = ids("one"), ids("three", (3,)), tags("many")
    table = Embedding("item", 4)
    pooled = layers.Lambda(lambda rows: tf.reduce_sum(rows, 1), output_shape=(4,))
    manifest = export(scored([one, three, many], table(one), layers.Flatten()(table(three)), pooled(table(many))))
    graph_def = tf.compat.v1.GraphDef.FromString((manifest["folder"] / "graph.pb").read_bytes())
    shapes = {
        f"{node.name}:0": (
            tf.as_dtype(node.attr["dtype"].type).name,
            [one.size for one in node.attr["shape"].shape.dim],
        )
        for node in graph_def.node
        if node.op == "Placeholder"
    }
    [described] = manifest["tables"]
    assert shapes[described["rows"]] == ("float32", [-1, 4])
    assert [shapes[one["index"]] for one in described["features"]] == [
        ("int32", [-1]), ("int32", [-1, 3]), ("int32", [-1]),
    ]  # fmt: skip
    assert [one["name"] for one in described["features"]] == ["one", "three", "many"]
    assert [shapes[one["tensor"]] for one in manifest["features"]] == [
        ("int64", [-1]), ("int64", [-1, 3]), ("int64", [-1]),
    ]  # fmt: skip
    assert shapes[manifest["features"][2]["lengths"]] == ("int64", [-1])


def test_gradients_of_repeated_ids_are_summed_and_need_no_ids(export, run):
    one = ids("one")
    manifest = export(scored(one, Embedding("item", 2)(one)))
    [table] = manifest["tables"]
    kernel = load_file(manifest["folder"] / "initial.safetensors")["score/kernel"]
    rows, places = np.array([[1, 2], [3, 4]], np.float32), np.array([0, 0, 1], np.int32)
    # The ids' own placeholder is not fed: no endpoint reaches it.
    feed = {table["rows"]: rows, table["features"][0]["index"]: places, "label/label:0": np.zeros((3, 1), np.float32)}
    found = run(manifest, table["gradient"], feed)
    per_row = 2 / 3 * (rows[places] @ kernel) @ kernel.T
    assert found.shape == (2, 2)
    assert np.allclose(found, [per_row[0] + per_row[1], per_row[2]], rtol=1e-5)


def test_a_batch_may_hold_no_id_at_all(export, run):
    many = tags()
    manifest = export(scored(many, Embedding("item", 2, combiner="mean")(many)))
    [table] = manifest["tables"]
    feed = {
        table["rows"]: np.zeros((0, 2), np.float32), table["features"][0]["index"]: np.zeros(0, np.int32),
        "feature/tags/lengths:0": np.zeros(3, np.int64), "label/label:0": np.ones((3, 1), np.float32),
    }  # fmt: skip
    loss, gradient, predicted = run(
        manifest, [manifest["loss"]["train"], table["gradient"], manifest["outputs"][0]["predict"]], feed
    )
    assert (float(loss), gradient.shape, predicted.tolist()) == (1.0, (0, 2), [[0.0]] * 3)


def test_weights_of_other_lengths_fail_in_the_graph(export, run):
    many, weights = tags(), keras.Input((None,), ragged=True, name="weights")
    manifest = export(scored([many, weights], Embedding("item", 2, combiner="mean")(many, weights=weights)))
    [table] = manifest["tables"]
    feed = {
        table["rows"]: np.ones((1, 2), np.float32), table["features"][0]["index"]: np.zeros(3, np.int32),
        "feature/tags/lengths:0": [1, 2], "feature/weights:0": np.ones(3), "feature/weights/lengths:0": [2, 1],
    }  # fmt: skip
    with pytest.raises(tf.errors.InvalidArgumentError, match="weights_must_be_as_long_as_ids"):
        run(manifest, manifest["outputs"][0]["predict"], feed)


def test_padding_reads_the_ids_themselves(export, run):
    three = ids("three", (3,))
    manifest = export(scored(three, Embedding("item", 2, combiner="sum", mask_zero=True)(three)))
    [table] = manifest["tables"]
    kernel = load_file(manifest["folder"] / "initial.safetensors")["score/kernel"]
    feed = {
        table["rows"]: np.array([[9, 9], [1, 2]], np.float32), "feature/three:0": np.array([[0, 5, 0]], np.int64),
        table["features"][0]["index"]: np.array([[0, 1, 0]], np.int32),
    }  # fmt: skip
    assert np.allclose(run(manifest, manifest["outputs"][0]["predict"], feed), [[1, 2]] @ kernel)


def test_masks_go_on_to_other_layers(export):
    words = ids("words", (4,), "string")
    manifest = export(scored(words, layers.GlobalAveragePooling1D()(Embedding("word", 3, mask_zero=True)(words))))
    assert manifest["tables"][0]["features"][0]["name"] == "words"


def test_training_and_prediction_share_the_lookup(export):
    one, many, weights = ids("one"), tags(), keras.Input((None,), ragged=True, name="weights")
    rows = Embedding("tag", 2, combiner="sqrtn", regularizer="l2")(many, weights=weights)
    manifest = export(scored([one, many, weights], Embedding("item", 2)(one), rows))
    assert manifest["outputs"][0]["train"] == manifest["outputs"][0]["predict"]


def test_tables_of_one_input_have_an_index_each(export):
    one = ids("one")
    manifest = export(scored(one, Embedding("deep", 3)(one), Embedding("wide", 1)(one)))
    indexes = {table["name"]: table["features"][0]["index"] for table in manifest["tables"]}
    assert indexes == {"deep": "table/deep/index/one:0", "wide": "table/wide/index/one:0"}


def test_a_table_called_twice_on_an_input_reads_it_once(export):
    one, table = ids("one"), Embedding("item", 3)
    manifest = export(scored(one, table(one), table(one)))
    assert [feature["name"] for feature in manifest["tables"][0]["features"]] == ["one"]


def test_a_table_in_an_inner_model_reads_the_outer_input(export):
    inside, outside = ids("inside"), ids("the id, of Zürich")
    inner = keras.Model(inside, Embedding("item", 2)(inside), name="inner")
    manifest = export(scored(outside, inner(outside)))
    [table] = manifest["tables"]
    assert (table["name"], table["features"][0]["name"]) == ("item", "the id, of Zürich")
    assert table["features"][0]["index"].isascii()


def test_a_subclassed_model_may_have_tables(export):
    class Tower(keras.Model):
        def __init__(self):
            super().__init__(name="tower")
            self.table, self.last = Embedding("item", 3, combiner="sum"), layers.Dense(1, name="last")

        def call(self, inputs):
            return self.last(self.table(inputs["tags"]))

    example = {"tags": tf.ragged.constant([[1, 2], [], [3]], dtype=tf.int64)}
    manifest = export(Tower(), example=example)
    assert manifest["features"][0]["ragged"]
    assert manifest["tables"][0]["features"][0]["name"] == "tags"


def test_only_tables_learn(export):
    many = tags()
    total = Embedding("wide", 1, combiner="sum", initializer="zeros")(many)
    manifest = export(keras.Model(many, layers.Activation("sigmoid", name="p")(total)), loss="binary_crossentropy")
    assert manifest["parameters"] == []
    assert load_file(manifest["folder"] / "initial.safetensors") == {}


def test_rows_that_were_trained_go_along(export):
    one, table = ids("one"), Embedding("item", 2, capacity=10)
    model = scored(one, table(one), Embedding("fresh", 2)(one))
    table.insert([7, -1], [[1, 2], [3, 4]])
    before = [variable.numpy() for variable in model.variables]
    manifest = export(model)
    assert all(np.array_equal(now.numpy(), then) for now, then in zip(model.variables, before, strict=True))
    rows = load_file(manifest["folder"] / "tables.safetensors")
    assert set(rows) == {"item/ids", "item/rows"}
    assert (rows["item/ids"].dtype, rows["item/ids"].tolist()) == (np.uint64, [7, 2**64 - 1])
    assert (rows["item/rows"].dtype, rows["item/rows"].tolist()) == (np.float32, [[1, 2], [3, 4]])
    assert set(manifest["files"]) == {"graph.pb", "initial.safetensors", "serving.pb", "tables.safetensors"}


def test_the_capacity_of_keras_does_not_bound_a_bundle(export):
    one = ids("one")
    assert export(scored(one, Embedding("item", 2, capacity=1)(one)))["tables"]


def test_a_table_has_the_optimizer_that_names_it_or_its_own(export):
    def model():
        one = ids("one")
        rows = [Embedding(f"table_{i}", 2, optimizer=own)(one) for i, own in enumerate((None, "ftrl", None))]
        return scored(one, *rows)

    def groups(optimizer):
        described = export(model(), optimizer=optimizer)["optimizer"]
        found = [(described["rule"], None), *((one["rule"], one["parameters"]) for one in described.get("groups", []))]
        return dict(found)

    assert groups("sgd") == {"sgd": None, "ftrl": ["table_1"]}
    assert groups({"table_.*": "adagrad", ".*": "sgd"}) == {
        "sgd": None, "adagrad": ["table_0", "table_2"], "ftrl": ["table_1"],
    }  # fmt: skip
    by_path = keras.optimizers.OptimizerMap(keras.optimizers.SGD(), {"table_0/rows": keras.optimizers.Adam()})
    assert groups(keras.optimizers.MultiOptimizer(by_path)) == {"sgd": None, "adam": ["table_0"], "ftrl": ["table_1"]}


def test_weight_decay_may_leave_a_table_alone(export):
    one = ids("one")
    table = Embedding("item", 2)
    model = scored(one, table(one))
    optimizer = keras.optimizers.AdamW()
    optimizer.exclude_from_weight_decay(var_list=[table.rows])
    assert export(model, optimizer=optimizer)["optimizer"]["weight_decay_excluded"] == ["item"]


def two_of_a_name():
    one = ids("one")
    inner = keras.Model(one, Embedding("item", 2)(one), name="inner")
    other = ids("other")
    return scored(other, inner(other), Embedding("item", 2)(other))


def named_as_a_weight():
    one = ids("one")
    model = scored(one, Embedding("item", 2)(one))
    model.get_layer("score").kernel._path = "item"
    return model


def frozen():
    one, table = ids("one"), Embedding("item", 2)
    table.trainable = False
    return scored(one, table(one))


def not_finite():
    one, table = ids("one"), Embedding("item", 2)
    model = scored(one, table(one))
    table.insert([1], [[1, 2]])
    table.rows.assign(table.rows * np.inf)
    return model


def unused():
    class Tower(keras.Model):
        def __init__(self):
            super().__init__(name="tower")
            self.table, self.last = Embedding("item", 3), layers.Dense(1, name="last")

        def call(self, inputs):
            self.table(inputs)
            return self.last(keras.ops.cast(inputs, "float32")[:, None])

    model = Tower()
    model(tf.constant([1, 2]))
    return model


def of_deep_rows():
    deep = keras.Input((None, 3), ragged=True, name="deep")
    return keras.Model(deep, layers.Lambda(lambda x: tf.reduce_sum(x, [1, 2])[:, None], output_shape=(1,))(deep))


def read(make):
    three = ids("three", (3,))
    return scored(three, Embedding("item", 2, combiner="sum")(make(three)))


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (lambda: read(lambda x: x[:, :2]), {}, "table 'item' is called on a tensor that is no input of the model"),
        (lambda: read(lambda x: x + 1), {}, "an input of its own (keras.Input)"),
        (two_of_a_name, {}, "two tables or weights are named 'item'"),
        (named_as_a_weight, {}, "two tables or weights are named 'item'"),
        (frozen, {}, "table 'item' is not trainable"),
        (not_finite, {}, "table 'item' holds rows that are not finite"),
        (unused, {"example": np.array([1, 2])}, "table 'item' has no gradient"),
        (of_deep_rows, {}, "ragged with rows of shape (None, 3)"),
        (
            lambda: scored(one := ids("one"), Embedding("item", 2, optimizer="sgd")(one)),
            {"optimizer": {"item": "adagrad", ".*": "sgd"}},
            "table 'item' has an optimizer of its own and one in the optimizers' dict",
        ),
        (
            lambda: scored(many := tags(), Embedding("item", 2, combiner="sum")(many)),
            {"features": {"tags": ["first", "second"]}},
            "'tags' is ragged but has 2 fields",
        ),
    ],
)
def test_misuse_is_refused(build, arguments, message, refused):
    assert message in refused(build(), **arguments)


def test_the_manifest_is_json_that_rust_reads_as_numbers(export):
    one = ids("one")
    table = Embedding("item", 2, seed=2**64 - 1, default_row=np.array([0.1, 1], np.float32), admit_after=np.int64(3))
    text = (export(scored(one, table(one)))["folder"] / "bundle.json").read_text()
    described = json.loads(text)["tables"][0]
    assert described["seed"] == 2**64 - 1
    assert np.array_equal(np.float32(described["default_row"]), np.float32([0.1, 1]))
    assert described["admission"]["sightings"] == 3
