"""Writes a bundle of each of the nine models: python examples/models/export.py target/models."""

import sys
from pathlib import Path

import keras
import streamgrad
from data import loss
from zoo import MODELS

if __name__ == "__main__":
    for build in MODELS:
        keras.utils.set_random_seed(9)
        model = build()
        streamgrad.export(
            model,
            Path(sys.argv[1]) / f"{model.name}.bundle",
            loss=loss(model),
            optimizer=keras.optimizers.Adagrad(0.05),
            metrics=["accuracy"],
            overwrite=True,
        )
        print(model.name)
