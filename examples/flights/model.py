"""The demo's model, fifteen lines of Keras: will a flight arrive 15 minutes late or more?

python examples/flights/model.py target/demo/flights.bundle
"""

import sys

import keras
import streamgrad
from prepare import FEATURES

keras.utils.set_random_seed(2013)
model = keras.Sequential(
    [
        keras.Input((len(FEATURES),), name="numbers"),
        keras.layers.Dense(32, "relu"),
        keras.layers.Dense(32, "relu"),
        keras.layers.Dense(1, "sigmoid", name="probability"),
    ],
    name="flights",
)
streamgrad.export(
    model,
    sys.argv[1],
    loss="binary_crossentropy",
    optimizer=keras.optimizers.Adagrad(0.05, initial_accumulator_value=0.001),
    metrics=["auc"],
    features={"numbers": FEATURES},
    label="late",
    overwrite=True,
)
