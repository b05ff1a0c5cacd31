"""Loads what a trainer saved into the Keras model that its bundle was exported from, and compares predictions.

    python loaded.py MODEL PATH VERSION ASKED.json

`PATH` is a store or a snapshot, `VERSION` what must be found there. `ASKED.json` has the inputs, flat, strings with a character for each byte, and what each output must be to 1e-5 of
its size and 1e-6.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

import embedding
import keras
import numpy as np
import streamgrad
import tensorflow as tf
from models import PEERS


def main(name: str, path: Path, version: str, asked: Path) -> None:
    """All of it."""
    model = embedding.with_tables() if name == "embedding" else PEERS[name]().model
    for variable in model.trainable_variables:
        variable.assign(variable * 0 + 0.125)
    assert streamgrad.load_into(model, path) == version
    given = json.loads(asked.read_text(encoding="utf-8"))
    inputs = []
    for tensor in model.inputs:
        values = given["inputs"].get(tensor.name, next(iter(given["inputs"].values())))
        if tensor.dtype == "string":
            values = [text.encode("latin-1") for text in values]
        flat = tf.constant(values, tensor.dtype)
        lengths = given["inputs"].get(f"{tensor.name}/lengths")
        ragged = lengths is not None
        rows = (
            tf.RaggedTensor.from_row_lengths(flat, lengths)
            if ragged
            else tf.reshape(flat, [-1, *tensor.shape[1:]])
        )
        inputs.append(rows)
    found = model(
        inputs[0] if isinstance(model, keras.Sequential) else keras.tree.pack_sequence_as(model.input, inputs)
    )
    (wanted,) = given["outputs"].values()
    np.testing.assert_allclose(np.ravel(found), wanted, rtol=1e-5, atol=1e-6)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: python loaded.py MODEL PATH VERSION ASKED.json")
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
