"""Loads what trainers saved into the Keras models that their bundles were exported from, and compares predictions.

    python loaded.py ASKED.json

`ASKED.json` has for each its `model`, the `path` of a store or a snapshot, the `version` that must be found there, the inputs, flat,
strings with a character for each byte, and what each output must be to 1e-5 of its size and 1e-6.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

import embedding
import keras
import numpy as np
import streamgrad
import tensorflow as tf
from models import PEERS


def compare(given: dict[str, Any]) -> None:
    """One model."""
    name = given["model"]
    # Layers without a name are numbered from one again.
    keras.backend.clear_session()
    model = embedding.with_tables() if name == "embedding" else PEERS[name]().model
    for variable in model.trainable_variables:
        variable.assign(variable * 0 + 0.125)
    assert streamgrad.load_into(model, given["path"]) == given["version"]
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
    if len(sys.argv) != 2:
        sys.exit("usage: python loaded.py ASKED.json")
    for one in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        compare(one)
