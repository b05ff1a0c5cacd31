"""Writes bundles whose features are made by transforms, and what TensorFlow, Keras and NumPy make of the same records.

    python transforms.py OUTDIR

`transforms-fields`: every transform of `streamgrad.field` and `streamgrad.cross`; `transforms-layers`: every Keras layer, taken out of
the model or not; `transforms-ragged`: rows of any number of values. Each is a bundle whose outputs are the features themselves, and a
safetensors file with `record/<column>` (strings as `.../bytes` and `.../offsets`, ragged also `.../lengths`) and `feature/<output>`.
`transforms-running`: a bundle that standardises by running moments, 20 batches of it (`batch/<step>/<column>`), and by step the mean and
variance of all values before it (`mean/<step>`, `variance/<step>`). `transforms_table.bundle`: an embedding table of words' hashes.
`transforms_gaps.bundle`: answers with what was missing. `transforms_integers.bundle`: the same of integers.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

import keras
import numpy as np
import streamgrad
import tensorflow as tf
from safetensors.numpy import save_file
from streamgrad import cross, field

ROWS, STEPS = 500, 20
Rows = dict[str, np.ndarray]
layers = keras.layers


class Same(layers.Layer):
    """Hands on what it is given."""

    def call(self, x: Any) -> Any:
        """Not the tensor itself: an output of its own."""
        return tf.identity(x)


def shown(inputs: dict[str, Any], seen: dict[str, Any] | None = None) -> keras.Model:
    """A model that gives back its features, and learns something beside."""
    given = {name: Same(name=f"see_{name}")(tensor) for name, tensor in (seen or inputs).items()}
    numbers = [
        layers.Flatten(name=f"flat_{name}")(layers.Rescaling(1.0, name=f"cast_{name}")(tensor))
        for name, tensor in given.items()
    ]
    every = layers.Concatenate()([layers.Reshape((-1,))(one) for one in numbers])
    y = layers.Dense(1, kernel_initializer="zeros", name="y")(every)
    return keras.Model(inputs, {"y": y, **{f"see_{name}": tensor for name, tensor in given.items()}})


def export(model: keras.Model, path: Path, **arguments: Any) -> None:
    """With a loss of the one output that learns."""
    streamgrad.export(
        model, path, loss={"y": "mse"}, optimizer=keras.optimizers.SGD(1e-6), label={"y": "label"}, overwrite=True,
        **arguments,
    )  # fmt: skip


def recorded(columns: dict[str, Any]) -> Rows:
    """Columns as the file has them."""
    file: Rows = {}
    for name, values in columns.items():
        if isinstance(values, tf.RaggedTensor):
            file[f"{name}/lengths"] = values.row_lengths().numpy().astype(np.int64)
            values = values.values.numpy()
        values = np.asarray(values)
        if values.dtype.kind in "OSU":
            coded = [one.encode() if isinstance(one, str) else bytes(one) for one in values.ravel().tolist()]
            file[f"{name}/offsets"] = np.cumsum([0, *map(len, coded)]).astype(np.int64)
            file[f"{name}/bytes"] = np.frombuffer(b"".join(coded), np.uint8)
        else:
            file[name] = np.ascontiguousarray(values)
    return file


WORDS = ["UA", "AA", "DL", "", "naïve", "x" * 16, "y" * 17, "z" * 64, "w" * 65, "v" * 128, "u" * 200, "ÅØ"]


def record(random: np.random.Generator) -> Rows:
    """Rows that meet boundaries, gaps, unknown words, negative and large integers."""
    numbers = random.normal(0, 20, ROWS).astype("float32")
    numbers[:8] = [-10, 0, 0.1, 10, 20, -0.0, 1e30, np.nextafter(np.float32(0.1), np.float32(1))]
    positive = random.uniform(0.001, 1000, ROWS).astype("float32")
    gaps = np.where(random.random(ROWS) < 0.2, np.nan, positive).astype("float32")
    ids = random.integers(-(2**62), 2**62, ROWS)
    ids[:6] = [0, -1, 1, 2**63 - 1, -(2**63), 2**24 + 1]
    return {
        "number": numbers, "double": random.normal(0, 20, ROWS), "positive": positive, "gaps": gaps, "id": ids,
        "small": random.integers(-9, 9, ROWS).astype("int32"),
        "word": np.array(WORDS, object)[random.integers(0, len(WORDS), ROWS)],
        "other": np.array(WORDS, object)[random.integers(0, len(WORDS), ROWS)],
        "time": random.uniform(0, 2400, ROWS).astype("float32"),
        "pixels": random.uniform(0, 255, (ROWS, 2, 3)).astype("float32"),
    }  # fmt: skip


BOUNDARIES = [-10.0, 0.0, 0.1, 10.0, 20.0]


def layer(one: Any, values: Any) -> np.ndarray:
    """What a Keras layer makes of values."""
    return np.asarray(one(tf.constant(values.tolist() if values.dtype == object else values)))


def one_hot(indices: np.ndarray, depth: int) -> np.ndarray:
    """As `float32`."""
    return tf.one_hot(indices, depth).numpy()


def fields(folder: Path) -> None:
    """Every transform, and what Keras and TensorFlow have for it."""
    rows = record(np.random.default_rng(1))
    number, gaps, word, ids, small = (rows[name] for name in ("number", "gaps", "word", "id", "small"))
    vocabulary = ["DL", "AA", "naïve"]
    filled = np.where(np.isnan(gaps), np.float32(130), gaps)
    angle = 2 * np.pi * rows["time"].astype("float64") / 2400
    hashed = layer(layers.Hashing(100), word)
    bucket = layer(layers.Discretization(BOUNDARIES), number)
    cases: dict[str, tuple[Any, Any]] = {
        "standardized": (field("positive", standardize=(500.0, 400.0)), layer(layers.Normalization(mean=500.0, variance=400.0), rows["positive"][:, None])),
        "min_max": (field("positive", min_max=(0, 1000)), rows["positive"][:, None] / 1000),
        "pixels": (field("pixels", min_max=(0, 255)), rows["pixels"] / np.float32(255)),
        "logged": (field("positive", log=True), np.log(rows["positive"])[:, None]),
        "logged1p": (field("positive", log1p=True), np.log1p(rows["positive"])[:, None]),
        "clipped": (field("number", clip=(-5, 5), log1p=False), np.clip(number, -5, 5)[:, None]),
        "clipped_low": (field("number", clip=(0, None), log1p=True), np.log1p(np.maximum(number, 0))[:, None]),
        "chained": (field("gaps", default=130.0, clip=(1, 500), log=True, standardize=(2.0, 4.0), missing_indicator=True),
                    np.stack([(np.log(np.clip(filled, 1, 500)) - 2) / 2, np.isnan(gaps)], 1).astype("float32")),
        "missing": (field("gaps", missing_indicator=True), np.isnan(gaps).astype("float32")[:, None]),
        "hour": (field("time", cyclic=2400), np.stack([np.sin(angle), np.cos(angle)], 1).astype("float32")),
        "bucketized": (field("number", bucketize=BOUNDARIES), bucket),
        "bucketized_double": (field("double", dtype="float64", bucketize=BOUNDARIES), layer(layers.Discretization(BOUNDARIES), rows["double"])),
        "bucketized_id": (field("id", dtype="int64", bucketize=[-3.0, 0.0, 2.0**24]), layer(layers.Discretization([-3.0, 0.0, 2.0**24]), ids)),
        "bucketized_hot": (field("number", bucketize=BOUNDARIES, one_hot=True), one_hot(bucket, 6)),
        "hashed": (field("word", hash=100), hashed),
        "hashed_hot": (field("word", hash=100, one_hot=True), one_hot(hashed, 100)),
        "hashed_id": (field("id", hash=1000, dtype="int64"), layer(layers.Hashing(1000), ids)),
        "hashed_small": (field("small", hash=7, dtype="int32", mask_token=3), layer(layers.Hashing(7, mask_value=3), small)),
        "hashed_mask": (field("word", hash=10, mask_token="UA"), layer(layers.Hashing(10, mask_value="UA"), word)),
        "looked_up": (field("word", vocabulary=vocabulary), layer(layers.StringLookup(vocabulary=vocabulary), word)),
        "looked_up_oov": (field("word", vocabulary=vocabulary, num_oov_indices=4, mask_token=""), layer(layers.StringLookup(vocabulary=vocabulary, num_oov_indices=4, mask_token=""), word)),
        "looked_up_all": (field("word", vocabulary=WORDS, num_oov_indices=0), layer(layers.StringLookup(vocabulary=WORDS, num_oov_indices=0), word)),
        "looked_up_small": (field("small", dtype="int32", vocabulary=[-3, 0, 5], num_oov_indices=3), layer(layers.IntegerLookup(vocabulary=[-3, 0, 5], num_oov_indices=3), small)),
        "looked_up_hot": (field("word", vocabulary=vocabulary, one_hot=True), layer(layers.StringLookup(vocabulary=vocabulary, output_mode="one_hot"), word[:, None])),
        "crossed": (cross(["word", "other"], 1000), layer_of_two(layers.HashedCrossing(1000), word, rows["other"])),
        "crossed_id": (cross(["word", field("id", dtype="int64")], 50, one_hot=True), one_hot(layer_of_two(layers.HashedCrossing(50), word, ids), 50)),
        "crossed_bucket": (cross([field("number", bucketize=BOUNDARIES), "word"], 99), layer_of_two(layers.HashedCrossing(99), bucket, word)),
        "side_by_side": (["small", field("number", clip=(-1, 1)), field("word", vocabulary=vocabulary)],
                         np.stack([small, np.clip(number, -1, 1), layer(layers.StringLookup(vocabulary=vocabulary), word)], 1).astype("float32")),
    }  # fmt: skip
    inputs = {
        name: keras.Input(np.shape(value)[1:], dtype=str(np.asarray(value).dtype), name=name)
        for name, (_, value) in cases.items()
    }
    declared = {name: one for name, (one, _) in cases.items()}
    declared["side_by_side"] = [field("small", dtype="int32"), *declared["side_by_side"][1:]]
    export(shown(inputs), folder / "transforms-fields.bundle", features=declared)
    save(folder / "transforms-fields.safetensors", rows, {name: value for name, (_, value) in cases.items()})


def layer_of_two(one: Any, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """What `HashedCrossing` makes of two columns."""
    return np.asarray(
        one(
            [tf.constant(values.tolist() if values.dtype == object else values) for values in (first, second)]
        )
    )


def keras_layers(folder: Path) -> None:
    """Models as people write them, with Keras' layers right behind their inputs."""
    rows = record(np.random.default_rng(2))
    rows |= {
        "words": np.stack([rows["word"], rows["other"], rows["word"][::-1]], 1),
        "numbers": np.stack([rows["number"], rows["positive"]], 1),
    }
    adapted = layers.Normalization(name="adapted_numbers")
    adapted.adapt(rows["numbers"][8:])
    found = layers.StringLookup(name="found_in_words")
    found.adapt(rows["word"])
    boundaries = layers.Discretization(num_bins=5, name="adapted_boundaries")
    boundaries.adapt(rows["positive"])
    vocabulary = ["DL", "AA", "naïve"]
    cases: dict[str, tuple[str, Any]] = {
        "normalized": ("numbers", adapted),
        "discretized": ("positive", boundaries),
        "discretized_hot": ("number", layers.Discretization(BOUNDARIES, output_mode="one_hot")),
        "discretized_two": ("numbers", layers.Discretization(BOUNDARIES, output_mode="multi_hot")),
        "hashed": ("word", layers.Hashing(64)),
        "hashed_id": ("id", layers.Hashing(64, mask_value=0)),
        "hashed_words": ("words", layers.Hashing(10, output_mode="count")),
        "salted": ("word", layers.Hashing(64, salt=7)),
        "found": ("word", found),
        "found_words": ("words", layers.StringLookup(vocabulary=vocabulary, mask_token="")),
        "found_hot": ("word", layers.StringLookup(vocabulary=vocabulary, output_mode="one_hot", max_tokens=9, pad_to_max_tokens=True)),
        "found_multi": ("words", layers.StringLookup(vocabulary=vocabulary, num_oov_indices=2, output_mode="multi_hot")),
        "found_count": ("words", layers.StringLookup(vocabulary=vocabulary, output_mode="count")),
        "found_small": ("small", layers.IntegerLookup(vocabulary=[-3, 0, 5], num_oov_indices=2, mask_token=1)),
    }  # fmt: skip
    inputs, seen, features = {}, {}, {}
    for name, (column, one) in cases.items():
        values = rows[column]
        dtype = "string" if values.dtype == object else str(values.dtype)
        inputs[name] = keras.Input(values.shape[1:], dtype=dtype, name=name)
        seen[name] = one(inputs[name])
        features[name] = f"{name} field"
    # One more whose field is transformed before its layer is reached.
    inputs["both"] = keras.Input((), dtype="float32", name="both")
    seen["both"] = layers.Discretization([0.0, 1.0, 3.0], name="of_both")(inputs["both"])
    features["both"] = field("gaps", default=1.0, log=True)
    export(shown(inputs, seen), folder / "transforms-layers.bundle", features=features)
    raw = {name: rows[column] for name, (column, _) in cases.items()} | {"gaps": rows["gaps"]}
    expected = {
        name: layer(one, rows[column]).astype(seen[name].dtype) for name, (column, one) in cases.items()
    }
    logged = np.log(np.where(np.isnan(rows["gaps"]), 1, rows["gaps"]))
    expected["both"] = layer(layers.Discretization([0.0, 1.0, 3.0]), logged)
    save(folder / "transforms-layers.safetensors", raw, expected)


def ragged(folder: Path) -> None:
    """Words and numbers, any number in a row; what is seen of them is a sum over each row."""
    random = np.random.default_rng(3)
    lengths = random.integers(0, 5, ROWS)
    words = np.array(WORDS, object)[random.integers(0, len(WORDS), lengths.sum())]
    numbers = random.uniform(0.5, 100, lengths.sum()).astype("float32")
    by_row = {
        "words": tf.RaggedTensor.from_row_lengths(words.tolist(), lengths),
        "numbers": tf.RaggedTensor.from_row_lengths(numbers, lengths),
    }
    inputs = {
        "hashed": keras.Input((None,), dtype="int64", ragged=True, name="hashed"),
        "logged": keras.Input((None,), dtype="float32", ragged=True, name="logged"),
        "found": keras.Input((None,), dtype="string", ragged=True, name="found"),
    }
    found = layers.StringLookup(vocabulary=["DL", "AA"])
    total = lambda name: layers.Lambda(  # noqa: E731
        lambda x: tf.reduce_sum(tf.cast(x, tf.float32), 1)[:, None], output_shape=(1,), name=name
    )
    seen = {"hashed": total("sum_hashed")(inputs["hashed"]), "logged": total("sum_logged")(inputs["logged"])}
    seen["found"] = total("sum_found")(found(inputs["found"]))
    features = {
        "hashed": field("words", hash=20),
        "logged": field("numbers", log=True),
        "found": "more words",
    }
    export(shown(inputs, seen), folder / "transforms-ragged.bundle", features=features)
    sums = {
        "hashed": tf.ragged.map_flat_values(layers.Hashing(20), by_row["words"]),
        "logged": tf.ragged.map_flat_values(tf.math.log, by_row["numbers"]),
        "found": tf.ragged.map_flat_values(found, by_row["words"]),
    }
    expected = {
        name: tf.reduce_sum(tf.cast(value, tf.float32), 1).numpy()[:, None] for name, value in sums.items()
    }
    save(folder / "transforms-ragged.safetensors", {**by_row, "found": by_row["words"]}, expected)


def running(folder: Path) -> None:
    """A regression whose inputs are standardised by what was learned from so far."""
    random = np.random.default_rng(4)
    numbers = keras.Input((3,), name="numbers")
    image = keras.Input((2, 2), name="image")
    export(
        shown({"numbers": numbers, "image": image}), folder / "transforms-running.bundle",
        features={
            "numbers": [field("seats", default=100.0, standardize=True), field("price", log=True, standardize=True), "speed"],
            "image": field("image", standardize=True),
        },
    )  # fmt: skip
    file, before = {}, {"seats": np.zeros(0), "price": np.zeros(0), "image": np.zeros((0, 4))}
    for step in range(STEPS):
        count = int(random.integers(1, 40))
        seats = np.where(random.random(count) < 0.3, np.nan, random.normal(1e4, 50, count)).astype("float32")
        rows = {
            "seats": seats, "price": random.lognormal(3, 2, count).astype("float32"),
            "speed": random.normal(size=count).astype("float32"), "image": random.uniform(0, 255, (count, 2, 2)).astype("float32"),
            "label": random.normal(size=(count, 1)).astype("float32"),
        }  # fmt: skip
        file |= {f"batch/{step}/{name}": values for name, values in rows.items()}
        for name, values in before.items():
            known = len(values) > 0
            file[f"mean/{step}/{name}"] = np.atleast_1d(values.mean(0) if known else 0.0 * values.sum(0))
            file[f"variance/{step}/{name}"] = np.atleast_1d(values.var(0) if known else 0.0 * values.sum(0))
        seen = {
            "seats": np.where(np.isnan(seats), 100, seats).astype(float), "price": np.log(rows["price"].astype(float)),
            "image": rows["image"].reshape(count, 4).astype(float),
        }  # fmt: skip
        before = {name: np.concatenate([values, seen[name]]) for name, values in before.items()}
    save_file(
        {name: np.ascontiguousarray(value) for name, value in file.items()},
        folder / "transforms-running.safetensors",
    )


def table(folder: Path) -> None:
    """An embedding table whose ids are made of words."""
    ids = keras.Input((), dtype="int64", name="ids")
    rows = streamgrad.layers.Embedding("word", 4)(ids)
    model = keras.Model(ids, layers.Dense(1, name="y")(rows))
    path = folder / "transforms_table.bundle"
    streamgrad.export(
        model, path, loss="mse", optimizer="sgd", features=field("word", hash=1000), overwrite=True
    )


def gaps(folder: Path) -> None:
    """One that says what it saw: seats / 200, 10 if these are missing, 100 if the word is, 1000 for each hour."""
    numbers = keras.Input((4,), name="numbers")
    answer = layers.Dense(
        1, name="answer", kernel_initializer=lambda shape, dtype: tf.constant([[1.0], [10], [100], [1000]])
    )
    model = keras.Model(numbers, answer(numbers))
    seats = field("seats", default=100.0, min_max=(0, 200), missing_indicator=True)
    word = field("word", dtype="string", missing_indicator=True)
    streamgrad.export(
        model, folder / "transforms_gaps.bundle", loss="mse", optimizer=keras.optimizers.SGD(1e-6), label="value",
        features={"numbers": [seats, word, "hour"]}, overwrite=True,
    )  # fmt: skip


def integers(folder: Path) -> None:
    """Says what it saw: the place of a gate among 5, 7, 9 and others, 10 if it is missing, 100 for each stop, 1000 for each hour, a
    hundredth of the bucket of an id."""
    numbers = keras.Input((5,), name="numbers")
    answer = layers.Dense(
        1,
        name="answer",
        kernel_initializer=lambda shape, dtype: tf.constant([[1.0], [10], [100], [1000], [0.01]]),
    )
    gate = field("gate", dtype="int32", default=7, vocabulary=[5, 7, 9], missing_indicator=True)
    stops = field("stops", dtype="int64", default=-1)
    streamgrad.export(
        keras.Model(numbers, answer(numbers)), folder / "transforms_integers.bundle", loss="mse",
        optimizer=keras.optimizers.SGD(1e-6), label="value",
        features={"numbers": [gate, stops, "hour", field("id", default=3, hash=1000)]}, overwrite=True,
    )  # fmt: skip


def save(path: Path, raw: dict[str, Any], expected: dict[str, Any]) -> None:
    """Both in one file."""
    columns = recorded({f"record/{name}": values for name, values in raw.items()})
    save_file(
        {**columns, **recorded({f"feature/see_{name}": values for name, values in expected.items()})}, path
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python transforms.py OUTDIR")
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for write in (fields, keras_layers, ragged, running, table, gaps, integers):
        write(out)
