"""Keras and `tf.function` on the models of the benchmarks, fed numpy: `python benches/rivals.py TURNS OUT.json`.

TURNS is the program of `benches/turns.rs`: the trainer steps between the turns of Python, so that a ratio is of the same seconds. Batch 32,
one thread each: TensorFlow's pools are set to one.
"""

import json
import statistics
import subprocess
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
WARM_UP = 10
# Seconds.
TURN = 0.1


def microseconds(step: Callable[[], object]) -> float:
    """The mean over a turn."""
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < TURN or count < 3:
        step()
        count += 1
    return (time.perf_counter() - started) / count * 1e6


class Trainer:
    """The trainer in a process of its own."""

    def __init__(self, turns: str, *arguments: object) -> None:
        """Starts it with the arguments of `turns`."""
        self.process = subprocess.Popen(
            [turns, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def microseconds(self) -> float:
        """A turn of its steps."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{TURN * 1000:.0f}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self) -> None:
        """Ends it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def measure(trainer: Trainer, sizes: tuple[int, ...]) -> dict[str, float]:
    """Python's time of one step with SGD 0.01 over the trainer's, by way of training it in Python."""
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
    return ratios(
        trainer,
        {
            "tf.function": lambda: step(numbers, labels).numpy(),
            "train_on_batch": lambda: compiled.train_on_batch(numbers, labels),
        },
    )


def ratios(trainer: Trainer, rivals: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The median over rounds of each rival's time over the trainer's."""
    for _ in range(WARM_UP):
        for rival in rivals.values():
            rival()
        trainer.microseconds()
    rounds = [
        (trainer.microseconds(), {name: microseconds(rival) for name, rival in rivals.items()})
        for _ in range(ROUNDS)
    ]
    return {name: statistics.median(theirs[name] / ours for ours, theirs in rounds) for name in rivals}


def main(turns: str, out: Path) -> None:
    """Writes `{model: {rival: ratio}}`."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    measured = {}
    for name in ("small", "middle", "large"):
        sizes = SIZES[name]
        bundle = Path("target/bench") / f"{name}.bundle"
        trainer = Trainer(turns, "step", bundle, ROWS, sizes[0], sizes[-1])
        measured[name] = measure(trainer, sizes)
        trainer.close()
    out.write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
