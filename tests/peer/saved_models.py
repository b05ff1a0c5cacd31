"""Writes SavedModels as Keras and TensorFlow do, and what Python predicts by them.

    python saved_models.py OUTDIR

`saved/keras`: `keras.Model.export` of a model with two inputs and two outputs; `saved/words`: a lookup table from a file of words beside the
model, strings in and out, two signatures; `saved/dtypes`: each dtype through; `saved/numbered/<n>`: the same model with other weights;
`saved/open`: a signature with a size left open; `saved/quantised`: one of a dtype that is not taken. `saved.json` has for each signature its inputs and Python's outputs.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import tensorflow as tf

DTYPES = [
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
]
WORDS = ["late", "rain", "Ünïted", ""]


def two_by_two(seed: int) -> keras.Model:
    """Two inputs, two outputs."""
    keras.utils.set_random_seed(seed)
    numbers, ids = keras.Input((3,), name="numbers"), keras.Input((), dtype="int32", name="carrier")
    row = keras.layers.Embedding(5, 4)(ids)
    hidden = keras.layers.Dense(8, "tanh")(keras.layers.Concatenate()([numbers, row]))
    outputs = {
        "late": keras.layers.Dense(1, "sigmoid")(hidden),
        "delay": keras.layers.Dense(2)(hidden),
    }
    return keras.Model([numbers, ids], outputs)


class Words(tf.Module):  # type: ignore[misc]
    """Finds words in a file that lies with the model."""

    def __init__(self, vocabulary: Path) -> None:
        super().__init__()
        self.asset = tf.saved_model.Asset(str(vocabulary))
        initializer = tf.lookup.TextFileInitializer(
            self.asset,
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.table = tf.lookup.StaticHashTable(initializer, -1)
        self.weight = tf.Variable([0.5, -1.0, 2.0])

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.string, name="words")])
    def find(self, words: tf.Tensor) -> dict[str, tf.Tensor]:
        """Where each word is, and both as one."""
        found = self.table.lookup(words)
        known = tf.cast(tf.reduce_max(found, 1) >= 0, tf.float32)
        return {
            "place": found,
            "joined": tf.strings.reduce_join(words, 1, separator="+"),
            "score": known[:, None] * self.weight,
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def double(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Twice the number."""
        return {"twice": 2 * x}


class Through(tf.Module):  # type: ignore[misc]
    """Gives each dtype back, in reverse order of rows."""

    @tf.function(
        input_signature=[
            *(tf.TensorSpec([None, 2], dtype, name=f"x_{dtype}") for dtype in DTYPES),
            tf.TensorSpec([None], tf.string, name="x_string"),
        ]
    )
    def through(self, *values: tf.Tensor) -> dict[str, tf.Tensor]:
        """All of them."""
        return {
            f"y_{name}": tf.reverse(value, [0])
            for name, value in zip([*DTYPES, "string"], values, strict=True)
        }


class Quantised(tf.Module):  # type: ignore[misc]
    """A dtype that no bundle has."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.qint8, name="x")])
    def plain(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Its bits."""
        return {"bits": tf.bitcast(x, tf.int8)}


class Open(tf.Module):  # type: ignore[misc]
    """Rows of any length."""

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, name="x")])
    def total(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """The sum of a row."""
        return {"sum": tf.reduce_sum(x, 1)}


def plain(value: Any) -> Any:
    """As JSON has it: strings as they are, numbers flat, complex ones as two."""
    array = np.asarray(value)
    if array.dtype == object:
        return [text if isinstance(text, str) else text.decode() for text in array.ravel()]
    if array.dtype.kind == "c":
        return np.stack([array.real, array.imag], -1).ravel().tolist()
    return (array.astype("float64") if array.dtype == tf.bfloat16.as_numpy_dtype else array).ravel().tolist()


def record(path: Path, signature: str, inputs: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """What Python predicts by the signature of what was saved."""
    outputs = tf.saved_model.load(str(path)).signatures[signature](
        **{name: tf.constant(value) for name, value in inputs.items()}
    )
    return {
        "signature": signature,
        "inputs": {name: plain(value) for name, value in inputs.items()},
        "outputs": {name: plain(value.numpy()) for name, value in outputs.items()},
    }


def main(folder: Path) -> None:
    """Writes everything."""
    saved = folder / "saved"
    random = np.random.default_rng(5)
    numbers = random.normal(size=(4, 3)).astype("float32")
    carrier = np.array([0, 4, 2, 2], dtype="int32")
    records: dict[str, Any] = {}

    two_by_two(1).export(str(saved / "keras"), verbose=False)
    records["keras"] = [record(saved / "keras", "serving_default", {"numbers": numbers, "carrier": carrier})]
    for number in (1, 2, 10):
        two_by_two(number).export(str(saved / "numbered" / str(number)), verbose=False)
        records[f"numbered/{number}"] = [
            record(
                saved / "numbered" / str(number), "serving_default", {"numbers": numbers, "carrier": carrier}
            )
        ]

    vocabulary = folder / "vocabulary.txt"
    vocabulary.write_text("\n".join(WORDS[:3]) + "\n")
    words = Words(vocabulary)
    tf.saved_model.save(words, str(saved / "words"), signatures={"find": words.find, "double": words.double})
    vocabulary.unlink()  # a copy is with the model
    table = np.array([["late", "rain"], ["none", ""], ["Ünïted", "late"]], dtype=object)
    records["words"] = [
        record(saved / "words", "find", {"words": table}),
        record(saved / "words", "double", {"x": np.array([1.5, -2.0], "float32")}),
    ]

    through = Through()
    tf.saved_model.save(through, str(saved / "dtypes"), signatures={"serving_default": through.through})
    values: dict[str, np.ndarray[Any, Any]] = {}
    for name in DTYPES:
        if name == "bool":
            values["x_bool"] = np.array([[True, False], [False, False], [True, True]])
        elif name.startswith("complex"):
            values[f"x_{name}"] = np.array([[1.5 - 2j, -2.25], [3e-3j, 0.0], [-7.125, 1e6 + 1j]], name)
        elif "float" in name:
            dtype = tf.dtypes.as_dtype(name).as_numpy_dtype
            values[f"x_{name}"] = np.array([[1.5, -2.25], [3e-3, 0.0], [-7.125, 6e4]], dtype)
        else:
            limits = np.iinfo(name)
            values[f"x_{name}"] = np.array([[limits.min, limits.max], [0, 1], [2, 3]], name)
    values["x_string"] = np.array(["", "Ünïted", "zero\0inside"], dtype=object)
    records["dtypes"] = [record(saved / "dtypes", "serving_default", values)]

    sums = Open()
    tf.saved_model.save(sums, str(saved / "open"), signatures={"serving_default": sums.total})
    quantised = Quantised()
    tf.saved_model.save(quantised, str(saved / "quantised"), signatures={"serving_default": quantised.plain})
    (folder / "saved.json").write_text(json.dumps(records, ensure_ascii=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
