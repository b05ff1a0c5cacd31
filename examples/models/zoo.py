"""Nine well-known models in Keras, small: for rows of numbers, rows of ids, and images."""

from itertools import combinations
from typing import Any

import keras
from keras import layers, ops

NUMBERS = 13
IDS = 20
FIELDS = 4
DIM = 4
IMAGE = 12


@keras.saving.register_keras_serializable(package="models")
class Bias(layers.Layer):
    """One number that is added to every row."""

    def build(self, shape: Any) -> None:
        """Makes the number."""
        self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")

    def call(self, x: Any) -> Any:
        """`x` plus the number."""
        return x + self.bias


def lr() -> keras.Model:
    """Logistic regression: a weight for each number."""
    return keras.Sequential(
        [keras.Input((NUMBERS,), name="numbers"), layers.Dense(1, "sigmoid", name="probability")], name="lr"
    )


def fm() -> keras.Model:
    """A factorization machine (Rendle, 2010): each pair of ids counts by the product of their rows."""
    ids, linear = _linear()
    return _model("fm", ids, linear + ops.sum(_pairs(_rows(ids)), -1, keepdims=True))


def ffm() -> keras.Model:
    """A field-aware factorization machine (Juan et al., 2016): an id has a row for each field that it meets."""
    ids, linear = _linear()
    rows = layers.Reshape((FIELDS, FIELDS, DIM))(_rows(ids, FIELDS * DIM))
    for i, j in combinations(range(FIELDS), 2):
        linear = linear + ops.sum(rows[:, i, j] * rows[:, j, i], -1, keepdims=True)
    return _model("ffm", ids, linear)


def afm() -> keras.Model:
    """An attentional factorization machine (Xiao et al., 2017): attention decides how much each pair counts."""
    ids, linear = _linear()
    rows = _rows(ids)
    pairs = ops.stack([rows[:, i] * rows[:, j] for i, j in combinations(range(FIELDS), 2)], 1)
    scores = layers.Dense(1, use_bias=False, name="score")(layers.Dense(DIM, "relu", name="attention")(pairs))
    pooled = ops.sum(ops.softmax(scores, 1) * pairs, 1)
    return _model("afm", ids, linear + layers.Dense(1, use_bias=False, name="pooled")(pooled))


def nfm() -> keras.Model:
    """A neural factorization machine (He and Chua, 2017): a network on the pooled pairs."""
    ids, linear = _linear()
    hidden = layers.Dense(8, "relu", name="hidden")(_pairs(_rows(ids)))
    return _model("nfm", ids, linear + layers.Dense(1, use_bias=False, name="deep")(hidden))


def wide_and_deep() -> keras.Model:
    """Wide and deep (Cheng et al., 2016): a weight for each id beside a network on their rows."""
    ids, linear = _linear()
    hidden = layers.Dense(16, "relu", name="hidden_0")(layers.Flatten()(_rows(ids)))
    hidden = layers.Dense(8, "relu", name="hidden_1")(hidden)
    return _model("wide_and_deep", ids, linear + layers.Dense(1, use_bias=False, name="deep")(hidden))


def mlp() -> keras.Model:
    """A perceptron with two hidden layers, for three classes."""
    return keras.Sequential(
        [
            keras.Input((NUMBERS,), name="numbers"),
            layers.Dense(16, "relu"),
            layers.Dense(16, "relu"),
            layers.Dense(3, "softmax", name="kind"),
        ],
        name="mlp",
    )


def lenet() -> keras.Model:
    """LeNet (LeCun et al., 1998): two convolutions of five by five, three dense layers."""
    return keras.Sequential(
        [
            keras.Input((IMAGE, IMAGE, 1), name="image"),
            layers.Conv2D(4, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(24, "relu"),
            layers.Dense(16, "relu"),
            layers.Dense(4, "softmax", name="quarter"),
        ],
        name="lenet",
    )


def vgg() -> keras.Model:
    """VGG (Simonyan and Zisserman, 2015): blocks of two convolutions of three by three."""
    model = keras.Sequential([keras.Input((IMAGE, IMAGE, 1), name="image")], name="vgg")
    for channels in (4, 8):
        for _ in range(2):
            model.add(layers.Conv2D(channels, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    for layer in (layers.Flatten(), layers.Dense(16, "relu"), layers.Dense(4, "softmax", name="quarter")):
        model.add(layer)
    return model


MODELS = (lr, fm, ffm, afm, nfm, wide_and_deep, mlp, lenet, vgg)


def _linear() -> tuple[Any, Any]:
    """The ids, and the sum of a weight for each."""
    ids = keras.Input((FIELDS,), dtype="int64", name="ids")
    return ids, ops.sum(layers.Embedding(IDS, 1, embeddings_initializer="zeros", name="weight")(ids), 1)


def _rows(ids: Any, dim: int = DIM) -> Any:
    """A row of numbers for each id."""
    initializer = keras.initializers.RandomNormal(stddev=0.3)
    return layers.Embedding(IDS, dim, embeddings_initializer=initializer, name="row")(ids)


def _pairs(rows: Any) -> Any:
    """The sum of the products of all pairs of rows, by element."""
    return 0.5 * (ops.square(ops.sum(rows, 1)) - ops.sum(ops.square(rows), 1))


def _model(name: str, ids: Any, logit: Any) -> keras.Model:
    return keras.Model(
        ids, layers.Activation("sigmoid", name="probability")(Bias(name="bias")(logit)), name=name
    )
