"""The ancestor's nine models, made small. Each is a function of `input_x` that makes variables and gives `logits`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Any

import tensorflow as tf

v1 = tf.compat.v1

FIELDS = 4
"""Ids in a row of the models that read ids."""
IDS = 20
"""Ids there are."""
DIM = 4
"""Numbers of an id's row."""


@dataclass(frozen=True)
class AncestorModel:
    """Shapes are those of one row. Labels are 0 or 1 where a row has one, else one-hot."""

    name: str
    logits: Callable[[Any], Any]
    input_row: tuple[int, ...]
    output_row: tuple[int, ...]
    learning_rate: float

    @property
    def reads_ids(self) -> bool:
        """Whether `input_x` holds ids, as floats."""
        return self.input_row == (FIELDS,)


def _variable(name: str, *shape: int, zeros: bool = False) -> Any:
    scale = (2.0 / prod(shape[:-1])) ** 0.5 if len(shape) > 1 else 0.1
    made = v1.zeros_initializer() if zeros else v1.truncated_normal_initializer(stddev=scale)
    return v1.get_variable(name, shape, tf.float32, made)


def _dense(x: Any, units: int, name: str) -> Any:
    return tf.matmul(x, _variable(f"{name}/w", int(x.shape[-1]), units)) + _variable(f"{name}/b", units, zeros=True)


def _perceptron(x: Any, units: tuple[int, ...], name: str) -> Any:
    for i, one in enumerate(units):
        x = tf.nn.relu(_dense(x, one, f"{name}{i}"))
    return x


def _rows(x: Any, name: str, *shape: int) -> Any:
    """A row of numbers for each id."""
    return tf.gather(_variable(name, IDS, *shape), tf.cast(x, tf.int32))


def _linear(x: Any) -> Any:
    """One weight for each id, and a bias."""
    return tf.reduce_sum(_rows(x, "w", 1), 1) + _variable("b", 1, zeros=True)


def _pairwise_sum(rows: Any) -> Any:
    """The sum of the products of all pairs of rows, by element."""
    return 0.5 * (tf.square(tf.reduce_sum(rows, 1)) - tf.reduce_sum(tf.square(rows), 1))


def logistic_regression(x: Any) -> Any:
    """A weight for each number."""
    return _dense(x, 1, "lr")


def factorization_machine(x: Any) -> Any:
    """Rendle, 2010: each pair of ids counts by the product of their rows."""
    return _linear(x) + tf.reduce_sum(_pairwise_sum(_rows(x, "v", DIM)), -1, keepdims=True)


def field_aware(x: Any) -> Any:
    """Juan et al., 2016: an id has a row for each field that it meets."""
    rows = _rows(x, "v", FIELDS, DIM)
    pairs = [tf.reduce_sum(rows[:, i, j] * rows[:, j, i], -1, keepdims=True) for i, j in combinations(range(FIELDS), 2)]
    return _linear(x) + tf.add_n(pairs)


def attentional(x: Any) -> Any:
    """Xiao et al., 2017: attention decides how much each pair counts."""
    rows = _rows(x, "v", DIM)
    pairs = tf.stack([rows[:, i] * rows[:, j] for i, j in combinations(range(FIELDS), 2)], 1)
    hidden = tf.nn.relu(tf.tensordot(pairs, _variable("attention/w", DIM, DIM), 1) + _variable("attention/b", DIM))
    scores = tf.nn.softmax(tf.tensordot(hidden, _variable("attention/h", DIM, 1), 1), 1)
    return _linear(x) + tf.matmul(tf.reduce_sum(scores * pairs, 1), _variable("p", DIM, 1))


def neural(x: Any) -> Any:
    """He and Chua, 2017: a network on the pooled pairs."""
    return _linear(x) + _dense(_perceptron(_pairwise_sum(_rows(x, "v", DIM)), (8,), "deep"), 1, "out")


def wide_and_deep(x: Any) -> Any:
    """Cheng et al., 2016: a weight for each id beside a network on their rows."""
    rows = tf.reshape(_rows(x, "v", DIM), (-1, FIELDS * DIM))
    return _linear(x) + _dense(_perceptron(rows, (16, 8), "deep"), 1, "out")


def perceptron(x: Any) -> Any:
    """Two hidden layers."""
    return _dense(_perceptron(x, (16, 16), "hidden"), 3, "out")


def _convolved(x: Any, size: int, channels: int, name: str, padding: str = "SAME") -> Any:
    kernel = _variable(f"{name}/w", size, size, int(x.shape[-1]), channels)
    return tf.nn.relu(tf.nn.conv2d(x, kernel, 1, padding) + _variable(f"{name}/b", channels, zeros=True))


def _flat(x: Any) -> Any:
    return tf.reshape(x, (-1, int(x.shape[1] * x.shape[2] * x.shape[3])))


def lenet(x: Any) -> Any:
    """LeCun et al., 1998: two convolutions of five by five, three dense layers."""
    x = tf.nn.max_pool2d(_convolved(x, 5, 4, "conv0"), 2, 2, "VALID")
    x = tf.nn.max_pool2d(_convolved(x, 5, 8, "conv1", "VALID"), 2, 2, "VALID")
    return _dense(_perceptron(_flat(x), (24, 16), "dense"), 4, "out")


def vgg(x: Any) -> Any:
    """Simonyan and Zisserman, 2015: blocks of two convolutions of three by three."""
    for block, channels in enumerate((4, 8)):
        for i in range(2):
            x = _convolved(x, 3, channels, f"block{block}/conv{i}")
        x = tf.nn.max_pool2d(x, 2, 2, "VALID")
    return _dense(_perceptron(_flat(x), (16,), "dense"), 4, "out")


MODELS = {
    model.name: model
    for model in (
        AncestorModel("lr", logistic_regression, (13,), (1,), 0.5),
        AncestorModel("fm", factorization_machine, (FIELDS,), (1,), 0.5),
        AncestorModel("ffm", field_aware, (FIELDS,), (1,), 0.5),
        AncestorModel("afm", attentional, (FIELDS,), (1,), 0.5),
        AncestorModel("nfm", neural, (FIELDS,), (1,), 0.2),
        AncestorModel("wide_deep", wide_and_deep, (FIELDS,), (1,), 0.2),
        AncestorModel("mlp", perceptron, (13,), (3,), 0.2),
        AncestorModel("lenet", lenet, (12, 12, 1), (4,), 0.1),
        AncestorModel("vgg", vgg, (8, 8, 1), (4,), 0.1),
    )
}
"""By the ancestor's names; wide&deep is `wide_deep`."""
