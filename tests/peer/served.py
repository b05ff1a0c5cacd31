"""Predicts by a SavedModel that a trainer wrote, with TensorFlow alone, and compares.

    python served.py SAVED_MODEL ASKED.json

`ASKED.json` has the inputs of `serving_default`, flat, strings with a character for each byte, and what each output must be to 1e-6. Fails also if `saved_model_cli` cannot read it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.tools import saved_model_cli


def main(folder: Path, asked: Path) -> None:
    """All of it."""
    given = json.loads(asked.read_text(encoding="utf-8"))
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    message = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    stated = message.meta_graphs[0].signature_def["serving_default"].inputs
    inputs = {}
    for name, values in given["inputs"].items():
        row = tf.TensorShape(stated[name].tensor_shape).as_list()[1:]
        if stated[name].dtype == tf.string.as_datatype_enum:
            values = [text.encode("latin-1") for text in values]
        inputs[name] = tf.reshape(tf.constant(values, stated[name].dtype), [-1, *row])
    found = signature(**inputs)
    assert set(found) == set(given["outputs"]), set(found)
    for name, wanted in given["outputs"].items():
        np.testing.assert_allclose(np.ravel(found[name]), wanted, rtol=1e-6, atol=1e-6)

    # In this process: another one would load TensorFlow again.
    sys.argv[1:] = ["show", "--all", "--dir", str(folder)]
    with contextlib.redirect_stdout(io.StringIO()) as written:
        saved_model_cli.main()
    shown = written.getvalue()
    assert "signature_def['serving_default']" in shown, shown
    for name in (*given["inputs"], *given["outputs"]):
        assert f"['{name}']" in shown, shown


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python served.py SAVED_MODEL ASKED.json")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
