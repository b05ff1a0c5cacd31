import hashlib
import json

import keras
import numpy as np
import pytest
from safetensors.numpy import save

import streamgrad
from streamgrad.layers import Embedding

layers = keras.layers
LINE = "9f3c5a7e01b2c3d4"


class Store:
    """A store's folder as `docs/snapshot-format.md` describes it."""

    def __init__(self, path):
        self.path = path
        (path / "snapshots").mkdir(parents=True)
        (path / "store.json").write_text('{"format":1,"kind":"streamgrad store"}')

    def save(self, number, tensors, base=None, unchanged=(), changes=(), line=LINE):
        version = f"{line}-{number}"
        folder = self.path / "snapshots" / version
        folder.mkdir()
        content = save({name: value for name, value in tensors.items() if name not in unchanged})
        listed = [
            {
                "file": "model.safetensors", "name": name, "dtype": str(value.dtype), "shape": list(value.shape),
                **({"unchanged": True} if name in unchanged else {}), **({"changes": True} if name in changes else {}),
            }
            for name, value in tensors.items()
        ]  # fmt: skip
        manifest = {
            "format": 1,
            "version": version,
            "base": base,
            "files": {"model.safetensors": {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}},
            "tensors": listed,
        }
        (folder / "model.safetensors").write_bytes(content)
        sha256 = self.seal(folder, manifest)
        (self.path / "latest").write_text(f"{version} {sha256}\n")
        return version, {"version": version, "sha256": sha256, "deltas": 1 + (base["deltas"] if base else 0)}

    @staticmethod
    def seal(folder, manifest):
        text = json.dumps(manifest).encode()
        sha256 = hashlib.sha256(text).hexdigest()
        (folder / "snapshot.json").write_bytes(text)
        (folder / "snapshot.json.sha256").write_text(f"{sha256}  snapshot.json\n")
        return sha256


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "model")


@pytest.fixture
def model():
    """A table, a dense layer, a statistic, a frozen layer."""
    ids, x = keras.Input((), dtype="int64", name="id"), keras.Input((2,), name="x")
    parts = [Embedding("item", 3, capacity=4, initializer="zeros")(ids), layers.BatchNormalization(name="norm")(x)]
    hidden = layers.Dense(2, name="fixed", trainable=False)(layers.Concatenate()(parts))
    return keras.Model([ids, x], layers.Dense(1, name="price")(hidden))


def tensors(model, seed, ids=(5, 2**64 - 1)):
    """What a snapshot of the model holds."""
    random = np.random.default_rng(seed)
    values = {
        variable.path: random.uniform(0.5, 1.0, variable.shape).astype("float32")
        for variable in (*model.get_layer("price").weights, *model.get_layer("norm").weights)
    }
    table = {
        "table/item/ids": np.array(ids, np.uint64),
        "table/item/rows": random.normal(size=(len(ids), 3)).astype("float32"),
        "table/item/removed": np.zeros(0, np.uint64),
    }
    return values | table


def rows_of(layer):
    ids, rows = layer.table()
    return dict(zip(ids.tolist(), rows.tolist(), strict=True))


def state_of(model):
    return [variable.numpy().tolist() for variable in model.variables]


def test_weights_and_rows_are_those_of_the_snapshot(store, model):
    saved = tensors(model, 1)
    version, _ = store.save(7, saved)
    frozen = model.get_layer("fixed").get_weights()
    item = model.get_layer("item")
    item.insert([1, 2, 3], np.ones((3, 3)))
    assert streamgrad.load_into(model, store.path) == version
    for name in (name for name in saved if not name.startswith("table/")):
        variable = next(one for one in model.variables if one.path == name)
        np.testing.assert_array_equal(variable, saved[name])
    assert rows_of(item) == {5: saved["table/item/rows"][0].tolist(), 2**64 - 1: saved["table/item/rows"][1].tolist()}
    np.testing.assert_array_equal(item(np.array([-1, 1])), [saved["table/item/rows"][1], [0, 0, 0]])
    assert all(np.array_equal(a, b) for a, b in zip(frozen, model.get_layer("fixed").get_weights(), strict=True))
    # It learns on from there.
    model.compile("sgd", "mse")
    model.train_on_batch([np.array([5, 9]), np.ones((2, 2))], np.ones((2, 1)))
    assert set(rows_of(item)) == {5, 2**64 - 1, 9}


def test_deltas_build_on_what_was_before(store, model):
    first, second = tensors(model, 1), tensors(model, 2, ids=(6, 5))
    _, base = store.save(1, first)
    second["table/item/removed"] = np.array([2**64 - 1], np.uint64)
    kept = "price/kernel"
    second[kept] = first[kept]
    _, base = store.save(2, second, base, unchanged=[kept], changes=[one for one in second if "table/" in one])
    third = {**second, "table/item/ids": np.zeros(0, np.uint64), "table/item/rows": np.zeros((0, 3), np.float32)}
    third["table/item/removed"] = np.array([6], np.uint64)
    dense = [one for one in third if "table/" not in one]
    newest, _ = store.save(3, third, base, unchanged=dense, changes=[one for one in third if "table/" in one])
    assert streamgrad.load_into(model, store.path) == newest
    assert rows_of(model.get_layer("item")) == {5: second["table/item/rows"][1].tolist()}
    np.testing.assert_array_equal(model.get_layer("price").kernel, first[kept])
    # By name, and by its own folder.
    assert streamgrad.load_into(model, store.path, f"{LINE}-1") == f"{LINE}-1"
    assert len(rows_of(model.get_layer("item"))) == 2
    assert streamgrad.load_into(model, store.path / "snapshots" / newest) == newest


def test_the_newest_is_of_the_lineage_that_was_saved_last(store, model):
    store.save(100, tensors(model, 1), line="0" * 16)
    version, _ = store.save(7, tensors(model, 2))
    assert streamgrad.load_into(model, store.path) == version
    (store.path / "latest").unlink()
    with pytest.raises(streamgrad.SnapshotError, match="several lineages"):
        streamgrad.load_into(model, store.path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda saved: saved.pop("price/bias"), "price/bias is only in the model"),
        (lambda saved: saved.update({"other/kernel": np.ones(2, "float32")}), "other/kernel is only in the snapshot"),
        (lambda saved: saved.update({"price/kernel": np.ones((3, 1), "float32")}), r"price/kernel is float32\[3, 1\], but"),
        (lambda saved: [saved.pop(f"table/item/{one}") for one in ("ids", "rows", "removed")], "item is only in the model"),
        (lambda saved: saved.update({"table/item/rows": np.ones((2, 4), "float32")}), "rows of 4, but of 3"),
        (
            lambda saved: saved.update(
                {"table/item/ids": np.arange(5, dtype=np.uint64), "table/item/rows": np.ones((5, 3), "float32")}
            ),
            "5 rows, but capacity 4; build",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_changes_nothing(change, message, store, model):
    saved = tensors(model, 1)
    change(saved)
    store.save(1, saved)
    before = state_of(model)
    with pytest.raises(streamgrad.SnapshotError, match=message):
        streamgrad.load_into(model, store.path)
    assert state_of(model) == before


def test_moments_of_transforms_are_no_part_of_the_model(store, model):
    version, _ = store.save(1, {**tensors(model, 1), "x/seats/moments": np.zeros((3, 1))})
    assert streamgrad.load_into(model, store.path) == version


def test_damage_is_found(store, model, tmp_path):
    version, base = store.save(1, tensors(model, 1))
    folder = store.path / "snapshots" / version
    before = state_of(model)

    def refused(message, path=store.path, version=None):
        with pytest.raises(streamgrad.SnapshotError, match=message):
            streamgrad.load_into(model, path, version)
        assert state_of(model) == before

    for file, message in (("model.safetensors", "altered or cut"), ("snapshot.json", "was altered")):
        content = (folder / file).read_bytes()
        (folder / file).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        refused(message)
        (folder / file).write_bytes(content)
    refused("does not keep version", version=f"{LINE}-9")
    refused(f"is version {version}, not", path=folder, version=f"{LINE}-9")
    refused("neither a snapshot.json nor a store.json", path=tmp_path)
    manifest = json.loads((folder / "snapshot.json").read_text())
    Store.seal(folder, {**manifest, "format": 2})
    refused("format 2, this package reads 1")
    Store.seal(folder, {**manifest, "base": {**base, "version": "../../other", "deltas": 1}})
    refused("builds on")
    Store.seal(folder, {**manifest, "base": {**base, "version": f"{LINE}-0"}})
    refused("cannot be read")
    (folder / "snapshot.json").unlink()
    refused("cannot be read")
