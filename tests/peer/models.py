"""Models that are trained by Keras and by Streamgrad from the same start, each with its loss and its rows.

Every function builds the same model at every call: layers have names and seeds of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

Rows = dict[str, np.ndarray]
layers = keras.layers


@dataclass(frozen=True)
class Peer:
    """A model, its loss, and `rows(random, n) -> (features by input, labels)`: a dict of labels for several outputs."""

    model: keras.Model
    loss: Any
    rows: Callable[[np.random.Generator, int], tuple[Rows, Any]]
    metrics: Any = ()
    label: Any = "label"
    arguments: dict[str, Any] = field(default_factory=dict)


def _dense(units: int, activation: str | None = None, *, seed: int, **arguments: Any) -> Any:
    return layers.Dense(
        units,
        activation,
        kernel_initializer=keras.initializers.GlorotUniform(seed),
        name=f"dense_{seed}",
        **arguments,
    )


def mlp() -> Peer:
    """Thirteen numbers, three classes."""
    model = keras.Sequential(
        [keras.Input((13,), name="numbers"), _dense(32, "relu", seed=1), _dense(32, "relu", seed=2),
         layers.Dense(3, "softmax", kernel_initializer=keras.initializers.GlorotUniform(3), name="kind")],
        name="mlp",
    )  # fmt: skip

    def rows(random: np.random.Generator, n: int) -> tuple[Rows, Any]:
        numbers = random.normal(size=(n, 13)).astype("float32")
        return {"numbers": numbers}, np.argmax(numbers[:, :3] + 0.3 * random.normal(size=(n, 3)), -1)

    return Peer(model, "sparse_categorical_crossentropy", rows, ["accuracy"])


def cnn() -> Peer:
    """Small images, convolution, BatchNorm and dropout: statistics and seeds move with every step."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3), name="image"),
            layers.Conv2D(
                8, 3, padding="same", kernel_initializer=keras.initializers.GlorotUniform(1), name="conv_1"
            ),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.MaxPooling2D(name="pool"),
            layers.Conv2D(
                12,
                3,
                kernel_initializer=keras.initializers.GlorotUniform(2),
                activation="relu",
                name="conv_2",
            ),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.25, seed=11, name="dropout"),
            layers.Dense(5, kernel_initializer=keras.initializers.GlorotUniform(3), name="digit"),
        ],
        name="cnn",
    )

    def rows(random: np.random.Generator, n: int) -> tuple[Rows, Any]:
        label = random.integers(0, 5, n)
        image = random.normal(size=(n, 8, 8, 3)) + label[:, None, None, None] / 2
        return {"image": image.astype("float32")}, np.eye(5, dtype="float32")[label]

    return Peer(
        model,
        keras.losses.CategoricalCrossentropy(from_logits=True),
        rows,
        [keras.metrics.TopKCategoricalAccuracy(2)],
    )


def wide_deep() -> Peer:
    """Strings, ids and numbers: hashed words and embeddings beside a linear part."""
    airline = keras.Input((), dtype="string", name="airline")
    airport = keras.Input((2,), dtype="int32", name="airports")
    numbers = keras.Input((4,), name="numbers")
    hashed = layers.Hashing(16, name="hash")(airline)
    wide = layers.CategoryEncoding(16, output_mode="one_hot", name="wide")(hashed)
    ids = layers.Embedding(
        20, 6, embeddings_initializer=keras.initializers.RandomNormal(seed=4), name="airport"
    )(airport)
    words = layers.Embedding(
        16, 4, embeddings_initializer=keras.initializers.RandomNormal(seed=5), name="word"
    )(hashed)
    deep = layers.Concatenate(name="deep")([layers.Flatten(name="flat")(ids), words, numbers])
    deep = _dense(8, "relu", seed=7)(_dense(16, "relu", seed=6)(deep))
    late = layers.Dense(
        1, "sigmoid", kernel_initializer=keras.initializers.GlorotUniform(8), name="late"
    )(layers.Concatenate(name="both")([wide, deep]))  # fmt: skip
    model = keras.Model([airline, airport, numbers], late, name="wide_deep")

    def rows(random: np.random.Generator, n: int) -> tuple[Rows, Any]:
        codes = np.array([b"UA", b"AA", b"DL", b"B6", b"WN", b"\xff\x00"], dtype=object)
        x = {
            "airline": codes[random.integers(0, len(codes), n)],
            "airports": random.integers(0, 20, (n, 2)).astype("int32"),
            "numbers": random.normal(size=(n, 4)).astype("float32"),
        }
        late = (x["numbers"][:, 0] + x["airports"][:, 0] / 10 > 1).astype("float32")
        return x, late[:, None]

    return Peer(model, "binary_crossentropy", rows, ["auc", "accuracy"])


def attention() -> Peer:
    """Token ids, self-attention and LayerNorm, one number out."""
    tokens = keras.Input((6,), dtype="int32", name="tokens")
    x = layers.Embedding(12, 8, embeddings_initializer=keras.initializers.RandomNormal(seed=1), name="token")(
        tokens
    )
    heads = layers.MultiHeadAttention(
        2, 4, kernel_initializer=keras.initializers.GlorotUniform(2), dropout=0.1, seed=3, name="heads"
    )
    x = layers.LayerNormalization(name="norm")(layers.Add(name="residual")([x, heads(x, x)]))
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    price = layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(5), name="price")(
        _dense(8, "gelu", seed=4)(x)
    )
    model = keras.Model(tokens, price, name="attention")

    def rows(random: np.random.Generator, n: int) -> tuple[Rows, Any]:
        ids = random.integers(0, 12, (n, 6)).astype("int32")
        return {"tokens": ids}, np.cos(ids.sum(-1, keepdims=True)).astype("float32")

    return Peer(model, "mse", rows, ["mae", "rmse"])


def gru() -> Peer:
    """A short series, read by a loop that stays a loop in the graph."""
    model = keras.Sequential(
        [
            keras.Input((5, 3), name="series"),
            layers.GRU(
                7, kernel_initializer=keras.initializers.GlorotUniform(1),
                recurrent_initializer=keras.initializers.Orthogonal(seed=2), name="gru",
            ),
            layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(3), name="next"),
        ],
        name="gru_model",
    )  # fmt: skip

    def rows(random: np.random.Generator, n: int) -> tuple[Rows, Any]:
        series = random.normal(size=(n, 5, 3)).astype("float32")
        return {"series": series}, series[:, -1, :1] - series[:, 0, 1:2]

    return Peer(model, keras.losses.Huber(), rows, ["mae"])


class Leaning(layers.Layer):
    """Passes its input on, and adds a loss of its own in training and inference."""

    def call(self, x: Any) -> Any:
        """The input, as it is."""
        self.add_loss(0.01 * keras.ops.mean(keras.ops.square(x)))
        return x


def regularized() -> Peer:
    """Regularizers of kernel, bias and activity, and `add_loss`."""
    model = keras.Sequential(
        [
            keras.Input((6,), name="numbers"),
            _dense(10, "tanh", seed=1, kernel_regularizer=keras.regularizers.L1L2(1e-3, 1e-2)),
            Leaning(name="leaning"),
            _dense(
                10, "relu", seed=2, activity_regularizer=keras.regularizers.L2(1e-2), bias_regularizer="l2"
            ),
            layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(3), name="score"),
        ],
        name="regularized",
    )

    def rows(random: np.random.Generator, n: int) -> tuple[Rows, Any]:
        numbers = random.normal(size=(n, 6)).astype("float32")
        return {"numbers": numbers}, (numbers.sum(-1, keepdims=True) > 0).astype("float32")

    return Peer(model, keras.losses.BinaryCrossentropy(from_logits=True), rows, ["auc", "logloss"])


def two_outputs() -> Peer:
    """One trunk, a class and a number."""
    numbers = keras.Input((5,), name="numbers")
    trunk = _dense(8, "relu", seed=1)(numbers)
    kind = layers.Dense(4, "softmax", kernel_initializer=keras.initializers.GlorotUniform(2), name="kind")(
        trunk
    )
    size = layers.Dense(2, kernel_initializer=keras.initializers.GlorotUniform(3), name="size")(trunk)
    model = keras.Model(numbers, {"kind": kind, "size": size}, name="two_outputs")

    def rows(random: np.random.Generator, n: int) -> tuple[Rows, Any]:
        x = random.normal(size=(n, 5)).astype("float32")
        return {"numbers": x}, {"kind": np.argmax(x[:, :4], -1), "size": x[:, :2] * 2}

    return Peer(
        model, {"kind": "sparse_categorical_crossentropy", "size": "mse"}, rows,
        {"kind": "accuracy", "size": ["mae"]}, {"kind": "the_kind", "size": ["width", "height"]},
    )  # fmt: skip


class Tower(keras.Model):
    """A subclassed model, whose layers take `training` from the call they run in."""

    def __init__(self) -> None:
        """Makes the layers; their weights come with the first call."""
        super().__init__(name="tower")
        self.first = _dense(6, "relu", seed=1)
        self.dropout = layers.Dropout(0.5, seed=9)
        self.norm = layers.BatchNormalization()
        self.last = _dense(1, seed=2)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """One number a row."""
        x = self.norm(self.dropout(self.first(inputs["left"])))
        return self.last(keras.ops.concatenate([x, inputs["right"]], -1))


def subclassed() -> Peer:
    """A subclassed model with a dict of inputs, known only from rows."""

    def rows(random: np.random.Generator, n: int) -> tuple[Rows, Any]:
        x = {
            "left": random.normal(size=(n, 3)).astype("float32"),
            "right": random.normal(size=(n, 2)).astype("float32"),
        }
        return x, x["left"][:, :1]

    example = rows(np.random.default_rng(0), 4)[0]
    return Peer(Tower(), "mse", rows, ["mae"], arguments={"example": example})


PEERS: dict[str, Callable[[], Peer]] = {
    "mlp": mlp, "cnn": cnn, "wide_deep": wide_deep, "attention": attention, "gru": gru, "regularized": regularized,
}  # fmt: skip
"""The models that the parity tests train."""

OTHERS: dict[str, Callable[[], Peer]] = {"two_outputs": two_outputs, "subclassed": subclassed}
"""Further shapes a model can have."""
