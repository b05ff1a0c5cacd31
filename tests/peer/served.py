"""Predicts by SavedModels that trainers wrote, with TensorFlow alone, and compares.

    python served.py ASKED.json

`ASKED.json` has for each its `path`, the inputs of `serving_default`, flat, strings with a character for each byte, and what each output must be to 1e-6. Fails also if `saved_model_cli` cannot read it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.tools import saved_model_cli


def compare(given: dict[str, Any]) -> None:
    """One SavedModel."""
    folder = Path(given["path"])
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
    if len(sys.argv) != 2:
        sys.exit("usage: python served.py ASKED.json")
    for one in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        compare(one)
