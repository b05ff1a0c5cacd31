"""Keras and `tf.function` on the model of the clicks, with dense embeddings: `python benches/click_rivals.py TURNS OUT.json`.

A wide and deep on 26 ids of a million, 512 rows a step, Adagrad, one thread each. Python is given the ids as places in its
variables, which it could not find by itself; the trainer finds them in its tables. The trainer steps between Python's turns.

- train_on_batch: Keras' own loop and optimizer, which goes over every row of the variables in each step.
- tf.function: the same optimizer in a function of one's own.
- tf.function, sparse Adagrad by hand: TensorFlow's kernel for the rows of the batch alone, their gradients summed before.
"""

import json
import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from rivals import Trainer, ratios

sys.path.insert(0, "examples/clicks")

import model as clicks

ROWS = 512
IDS = 1_000_000
BATCHES = 64
RATE = 0.05
BUNDLE = Path("target/bench/clicks.bundle")


def build() -> keras.Model:
    """The model with Keras' embeddings."""
    keras.utils.set_random_seed(26)
    return clicks.build(
        keras.layers.Embedding(IDS, 16), keras.layers.Embedding(IDS, 1, embeddings_initializer="zeros")
    )


def data(power_law: bool) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """Batches as those of the trainer."""
    rng = np.random.default_rng(5)
    chance = rng.uniform(size=(BATCHES, ROWS, clicks.FEATURES))
    ids = (IDS**chance - 1 if power_law else IDS * chance).astype(np.int64)
    labels = (np.arange(ROWS) % 4 == 0).astype(np.float32)[:, None]
    return [(tf.constant(one), tf.constant(labels)) for one in ids]


def gradients(model: keras.Model, ids: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, list[object]]:
    """Loss and gradients; those of embeddings are of the batch's rows."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.binary_crossentropy(labels, model(ids, training=True)))
    return loss, tape.gradient(loss, [one.value for one in model.trainable_variables])


def by_keras_optimizer() -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """A step by Keras' Adagrad."""
    model, optimizer = build(), clicks.optimizer()
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(ids: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        loss, found = gradients(model, ids, labels)
        optimizer.apply(found, model.trainable_variables)
        return loss

    return step


def by_hand() -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """A step by TensorFlow's own kernels of Adagrad."""
    model = build()
    variables = [one.value for one in model.trainable_variables]
    slots = [tf.Variable(tf.fill(one.shape, 0.001)) for one in variables]

    @tf.function
    def step(ids: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        loss, found = gradients(model, ids, labels)
        for variable, slot, gradient in zip(variables, slots, found, strict=True):
            state = {"var": variable.handle, "accum": slot.handle, "lr": RATE, "epsilon": 1e-7}
            if isinstance(gradient, tf.IndexedSlices):
                rows, places = tf.unique(gradient.indices)
                summed = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(rows))
                tf.raw_ops.ResourceSparseApplyAdagradV2(**state, grad=summed, indices=rows)
            else:
                tf.raw_ops.ResourceApplyAdagradV2(**state, grad=gradient)
        return loss

    return step


def measure(
    trainer: Trainer, steps: dict[str, Callable], batches: list[tuple[tf.Tensor, tf.Tensor]]
) -> dict[str, float]:
    """The ratio of each of Python's steps."""
    taken = cycle(batches)
    return ratios(
        trainer, {name: lambda step=step: np.asarray(step(*next(taken))) for name, step in steps.items()}
    )


def main(turns: str, out: Path) -> None:
    """Writes `{law: {rival: ratio}}`."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    compiled = build()
    compiled.compile(clicks.optimizer(), "binary_crossentropy", jit_compile=False)
    steps = {
        "train_on_batch": compiled.train_on_batch,
        "tf.function": by_keras_optimizer(),
        "tf.function, sparse Adagrad by hand": by_hand(),
    }
    measured = {}
    for law in ("uniform", "power"):
        trainer = Trainer(turns, law, BUNDLE, ROWS, clicks.FEATURES, IDS)
        measured[law] = measure(trainer, steps, data(law == "power"))
        trainer.close()
    out.write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
