"""What all tests need: a quiet TensorFlow on the CPU, the peer models, and a way to export."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path[:0] = [
    str(Path(__file__).resolve().parents[1] / "src"),
    str(Path(__file__).resolve().parents[2] / "tests" / "peer"),
]

import keras
import pytest

import streamgrad


@pytest.fixture
def export(tmp_path):
    """Exports to a temporary folder and returns the manifest, with the folder under `folder`."""

    def run(model, **arguments):
        arguments = {"loss": "mse", "optimizer": "sgd", **arguments}
        folder = tmp_path / "model.bundle"
        streamgrad.export(model, folder, overwrite=True, **arguments)
        return {**json.loads((folder / "bundle.json").read_text(encoding="utf-8")), "folder": folder}

    return run


@pytest.fixture
def refused(export, tmp_path):
    """Exports, expects to be refused, and returns the message; nothing may be left behind."""

    def run(model, **arguments):
        before = list(tmp_path.iterdir())
        with pytest.raises(streamgrad.ExportError) as caught:
            export(model, **arguments)
        assert list(tmp_path.iterdir()) == before
        return str(caught.value)

    return run


@pytest.fixture
def linear():
    """Two numbers in, one out."""
    return keras.Sequential([keras.Input((2,), name="numbers"), keras.layers.Dense(1, name="price")])


@pytest.fixture
def classifier():
    """Builds a model with so many classes, or one probability."""

    def build(classes, activation="softmax"):
        return keras.Sequential(
            [keras.Input((2,), name="numbers"), keras.layers.Dense(classes, activation, name="kind")]
        )

    return build
