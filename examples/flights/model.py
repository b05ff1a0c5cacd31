"""The demo's three models: will a flight arrive 15 minutes late or more? Numbers only, with tables, and with tables of the day.

python examples/flights/model.py target/demo
"""

import sys
from pathlib import Path

import keras
import streamgrad
from prepare import FEATURES
from streamgrad.layers import Embedding

# The numbers in the row of each id.
DEEP = {
    "carrier": 4,
    "origin": 4,
    "dest": 8,
    "tailnum": 8,
    "route": 8,
    "number": 8,
    "originhour": 8,
    "weekday": 4,
}
# Ids that have one weight more, which is added as it is.
WIDE = ("carrier", "dest", "route", "originhour", "weekday", "number", "tailnum")
# Ids that live for a day, and the steps of 32 landings after which none of them is needed any more: two days.
DAYS = ("originday", "carrierday", "destday")
LIFETIME = 64


def numbers_only() -> keras.Model:
    """An MLP on what can be measured."""
    numbers = keras.Input((len(FEATURES),), name="numbers")
    hidden = keras.layers.Dense(32, "relu")(numbers)
    hidden = keras.layers.Dense(32, "relu")(hidden)
    return keras.Model(numbers, keras.layers.Dense(1, "sigmoid", name="probability")(hidden), name="numbers")


def wide_and_deep(name: str, days: tuple[str, ...] = ()) -> keras.Model:
    """The same MLP with rows for who flies where, in what and when; beside it a weight for each number and each id."""
    numbers = keras.Input((len(FEATURES),), name="numbers")
    ids = {one: keras.Input((), name=one, dtype="string") for one in (*DEEP, *days)}

    rows = [Embedding(f"{one}_row", dim)(ids[one]) for one, dim in DEEP.items()]
    deep = keras.layers.Concatenate()([numbers, *rows])
    deep = keras.layers.Dense(32, "relu")(deep)
    deep = keras.layers.Dense(32, "relu")(deep)

    wide = [Embedding(f"{one}_weight", 1, initializer="zeros")(ids[one]) for one in WIDE]
    wide += [
        Embedding(f"{one}_weight", 1, initializer="zeros", expire_after_steps=LIFETIME)(ids[one])
        for one in days
    ]
    logit = keras.layers.Add()([keras.layers.Dense(1)(deep), keras.layers.Dense(1)(numbers), *wide])
    probability = keras.layers.Activation("sigmoid", name="probability")(logit)
    return keras.Model([numbers, *ids.values()], probability, name=name)


def models() -> list[keras.Model]:
    """The three, each with the same first values in every run."""
    made = []
    for make in (numbers_only, lambda: wide_and_deep("tables"), lambda: wide_and_deep("days", DAYS)):
        keras.utils.clear_session()
        keras.utils.set_random_seed(2013)
        made.append(make())
    return made


def optimizer() -> keras.optimizers.Optimizer:
    """Keras' own initial accumulator, 0.1, would starve ids that come rarely."""
    return keras.optimizers.Adagrad(0.05, initial_accumulator_value=0.001)


if __name__ == "__main__":
    for model in models():
        streamgrad.export(
            model,
            Path(sys.argv[1]) / f"{model.name}.bundle",
            loss="binary_crossentropy",
            optimizer=optimizer(),
            metrics=["auc"],
            features={"numbers": FEATURES},
            label="late",
            overwrite=True,
        )
