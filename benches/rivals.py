"""Keras and `tf.function` on the models of the benchmarks, fed numpy: `python benches/rivals.py OUT.json`.

Prints microseconds a step at batch 32, the median of rounds. One thread, as the trainer beside it: TensorFlow's pools are set to one.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from bundles import SIZES, build

ROWS = 32
ROUNDS = 15


def microseconds(step: Callable[[], object]) -> float:
    """The median over rounds of the mean over a tenth of a second."""
    for _ in range(20):
        step()
    rounds = []
    for _ in range(ROUNDS):
        started, count = time.perf_counter(), 0
        while time.perf_counter() - started < 0.1 or count < 3:
            step()
            count += 1
        rounds.append((time.perf_counter() - started) / count * 1e6)
    return statistics.median(rounds)


def measure(sizes: tuple[int, ...]) -> dict[str, float]:
    """Microseconds of one step with SGD 0.01 by way of training it in Python."""
    rng = np.random.default_rng(7)
    numbers = rng.uniform(-0.5, 0.5, (ROWS, sizes[0])).astype(np.float32)
    labels = rng.integers(0, sizes[-1], ROWS)
    model = build(sizes)
    loss = keras.losses.SparseCategoricalCrossentropy()

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        for variable, gradient in zip(
            model.trainable_variables, tape.gradient(value, model.trainable_variables), strict=True
        ):
            variable.value.assign_sub(0.01 * gradient)
        return value

    compiled = build(sizes)
    compiled.compile(
        optimizer=keras.optimizers.SGD(0.01), loss="sparse_categorical_crossentropy", jit_compile=False
    )
    return {
        "tf.function": microseconds(lambda: step(numbers, labels).numpy()),
        "train_on_batch": microseconds(lambda: compiled.train_on_batch(numbers, labels)),
    }


def main(out: Path) -> None:
    """Writes `{model: {rival: microseconds}}`."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    out.write_text(json.dumps({name: measure(sizes) for name, sizes in SIZES.items()}, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
