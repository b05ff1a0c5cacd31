import embedding as peer
import keras
import numpy as np
import pytest
import tensorflow as tf
from models import OTHERS, PEERS
from safetensors.numpy import load_file

import streamgrad
from streamgrad import ragged
from streamgrad.tables import layers_of

layers = keras.layers


def completed(manifest, tmp_path):
    """The SavedModel with the bundle's own values, as a trainer completes it."""
    bundle, folder = manifest["folder"], tmp_path / "served"
    values = load_file(bundle / "initial.safetensors")
    rows = load_file(bundle / "tables.safetensors") if (bundle / "tables.safetensors").exists() else {}
    for table in manifest.get("tables", []):
        name = table["name"]
        default = np.array(table["default_row"] or [0.0] * table["dim"], "float32")
        ids = rows.get(f"{name}/ids", np.zeros(1, np.uint64)).view(np.int64)
        order = np.argsort(ids)
        values[f"table/{name}/ids"] = ids[order]
        values[f"table/{name}/rows"] = rows.get(f"{name}/rows", default[None])[order]
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes((bundle / "serving.pb").read_bytes())
    names = list(values)
    tf.raw_ops.SaveV2(
        prefix=str(folder / "variables" / "variables"),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[values[name] for name in names],
    )
    return tf.saved_model.load(str(folder))


def fed(manifest, batch):
    """A batch as a signature takes it."""
    tensors = {}
    for feature in manifest["features"]:
        values = batch[feature["name"]]
        tensors[feature["name"]] = tf.constant(ragged.flat_rows(values), feature["dtype"])
        if feature.get("ragged"):
            tensors[f"{feature['name']}/lengths"] = tf.constant(ragged.lengths(values))
    return tensors


def made_up(manifest, rows=5):
    random = np.random.default_rng(1)
    batch = {}
    for feature in manifest["features"]:

        def some(count, feature=feature):
            shape = (count, *feature["shape"])
            if feature["dtype"] == "string":
                return random.choice(np.array([b"", b"EWR", b"late", b"\xff"], object), shape)
            if feature["dtype"].startswith("float"):
                return random.normal(size=shape).astype(feature["dtype"])
            return random.integers(0, 2, shape).astype(feature["dtype"])

        listed = [some(count) for count in (2, 0, 1, 3, 0)] if feature.get("ragged") else None
        batch[feature["name"]] = some(rows) if listed is None else ragged.ragged_rows(listed)
    for feature in manifest["features"]:
        if feature["name"] == "weights":
            batch["weights"] = ragged.ragged_rows([np.ones(len(row), "float32") for row in batch["words"]])
    return batch


def predicted(model, manifest, batch):
    """By Keras."""
    x = [ragged.as_tensor(batch[feature["name"]], feature["dtype"]) for feature in manifest["features"]]
    found = model(x[0] if isinstance(model, keras.Sequential) else keras.tree.pack_sequence_as(model.input, x))
    return [np.asarray(one) for one in keras.tree.flatten(found)]


@pytest.mark.parametrize("name", ["strings", "settings", "alone"])
def test_tables_are_looked_up_inside(name, export, tmp_path):
    keras.utils.set_random_seed(1)
    model = getattr(peer, name)()
    for layer in layers_of(model):
        # Some have rows, some have none.
        if layer.name in ("airline", "word", "often", "wide"):
            ids = streamgrad.fingerprint64(["EWR", b"\xff"]) if name == "strings" else [1, -1]
            layer.insert(ids, np.arange(1, 2 * layer.dim + 1, dtype="float32").reshape(2, -1) / 7)
    manifest = export(model, loss="binary_crossentropy")
    batch = made_up(manifest)
    signature = completed(manifest, tmp_path).signatures["serving_default"]
    found = signature(**fed(manifest, batch))
    assert list(found) == ["late"]
    np.testing.assert_allclose(found["late"], predicted(model, manifest, batch)[0], rtol=1e-6, atol=1e-6)
    assert np.ptp(found["late"]) > 1e-3


def test_ids_of_every_sign_find_their_rows(export, tmp_path):
    model = peer.with_tables()
    manifest = export(model, loss="binary_crossentropy")
    signature = completed(manifest, tmp_path).signatures["serving_default"]
    ours, _, _ = peer.batch(np.random.default_rng(2))
    lengths = ours.pop("tags/lengths")
    splits = np.cumsum(lengths)[:-1]
    ours["tags"] = ragged.ragged_rows(np.split(ours["tags"], splits))
    found = signature(**fed(manifest, ours))["late"]
    np.testing.assert_allclose(found, predicted(model, manifest, ours)[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["cnn", "wide_deep", "gru", "two_outputs"])
def test_predicts_as_keras_does(name, export, tmp_path):
    keras.utils.set_random_seed(1)
    of = {**PEERS, **OTHERS}[name]()
    manifest = export(of.model, loss=of.loss, label=of.label, **of.arguments)
    batch, _ = of.rows(np.random.default_rng(1), 6)
    found = completed(manifest, tmp_path).signatures["serving_default"](**fed(manifest, batch))
    assert set(found) == {output["name"] for output in manifest["outputs"]}
    for output, wanted in zip(manifest["outputs"], predicted(of.model, manifest, batch), strict=True):
        np.testing.assert_allclose(found[output["name"]], wanted, rtol=1e-6, atol=1e-6)


def test_signatures_give_the_outputs_they_name_and_take_what_these_need(export, tmp_path):
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b b")
    outputs = {"near": layers.Dense(1)(a), "far": layers.Dense(2)(layers.Concatenate()([a, b]))}
    model = keras.Model([a, b], outputs)
    manifest = export(
        model,
        loss={"near": "mse", "far": "mse"},
        label={"near": "x", "far": ["y", "z"]},
        signatures={"score": "near", "all": ["far", "near"]},
    )
    loaded = completed(manifest, tmp_path)
    assert set(loaded.signatures) == {"serving_default", "score", "all"}
    x = {"a": tf.ones((4, 2)), "b b": tf.ones((4, 3))}
    everything = loaded.signatures["all"](**x)
    assert set(everything) == {"near", "far"}
    only = loaded.signatures["score"](a=x["a"])
    assert list(only) == ["near"] and only["near"].shape == (4, 1)
    np.testing.assert_array_equal(only["near"], everything["near"])


@pytest.mark.parametrize("signatures", [{"serving_default": "price"}, {"score": "cost"}, {"score": []}, {"": "price"}])
def test_signatures_that_cannot_be_are_refused(signatures, refused, linear):
    message = refused(linear, signatures=signatures)
    assert "signature" in message and ("price" in message or "serving_default" in message)


def test_frozen_weights_and_statistics_are_restored_too(export, tmp_path):
    fixed = layers.Dense(4, trainable=False, name="fixed")
    model = keras.Sequential([keras.Input((2,), name="x"), fixed, layers.BatchNormalization(), layers.Dense(1)])
    manifest = export(model)
    assert manifest["frozen"] and manifest["state"]
    loaded = completed(manifest, tmp_path)
    assert len(loaded.variables) == len(manifest["parameters"] + manifest["state"] + manifest["frozen"])
    found = loaded.signatures["serving_default"](x=tf.ones((3, 2)))
    np.testing.assert_allclose(next(iter(found.values())), model(tf.ones((3, 2))), rtol=1e-6)


def test_takes_what_transforms_make(export, tmp_path):
    model = keras.Sequential([keras.Input((2,), name="x"), layers.Dense(1, name="price")])
    fields = [streamgrad.field("seats", log1p=True), streamgrad.field("wind", standardize=True)]
    manifest = export(model, features={"x": fields})
    assert manifest["record"] and manifest["state"][0]["kind"] == "moments"
    found = completed(manifest, tmp_path).signatures["serving_default"](x=tf.ones((3, 2)))
    np.testing.assert_allclose(found["price"], model(tf.ones((3, 2))), rtol=1e-6)
