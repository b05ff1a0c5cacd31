import keras
import numpy as np


def test_a_variable_made_inside_the_call_is_refused(refused):
    class Careless(keras.layers.Layer):
        def call(self, x):
            return keras.layers.Dense(2, name="made_here")(x)

    x = keras.Input((2,), name="x")
    model = keras.Model(x, keras.layers.Dense(1)(Careless(name="careless")(x)))
    message = refused(model)
    assert "made_here/kernel" in message and "__init__ or build()" in message


def test_a_parameter_without_gradient_is_refused(refused):
    x = keras.Input((2,), name="x")
    hidden = keras.layers.Dense(2, name="blocked")(x)
    model = keras.Model(x, keras.layers.Dense(1)(keras.layers.Lambda(keras.ops.stop_gradient)(hidden)))
    message = refused(model)
    assert "'blocked/kernel'" in message and "'blocked' (Dense)" in message and "trainable=False" in message


def test_a_parameter_that_the_call_assigns_is_refused(refused):
    class Walking(keras.layers.Layer):
        def build(self, shape):
            self.place = self.add_weight(shape=(2,), name="place")

        def call(self, x):
            self.place.assign(self.place * 0.9)
            return x * self.place

    model = keras.Sequential([keras.Input((2,)), Walking(name="walking"), keras.layers.Dense(1)])
    assert "'walking' (Walking) is assigned" in refused(model)


def test_state_that_the_call_counts_is_kept(export):
    class Counting(keras.layers.Layer):
        def build(self, shape):
            self.count = self.add_weight(shape=(), dtype="int64", name="count", trainable=False, initializer="zeros")

        def call(self, x, training=False):
            if training:
                self.count.assign_add(keras.ops.cast(keras.ops.shape(x)[0], "int64"))
            return x

    model = keras.Sequential([keras.Input((2,)), Counting(name="counting"), keras.layers.Dense(1)])
    state = export(model)["state"]
    assert [(one["name"], one["dtype"], one["shape"], one["kind"]) for one in state] == [
        ("counting/count", "int64", [], "statistic")
    ]


def test_an_embedding_has_a_dense_gradient(export):
    model = keras.Sequential(
        [keras.Input((3,), dtype="int32"), keras.layers.Embedding(1000, 4, name="table"), keras.layers.Flatten(),
         keras.layers.Dense(1)]
    )  # fmt: skip
    assert export(model)["parameters"][0]["shape"] == [1000, 4]


def test_constants_of_a_layer_go_along(export):
    norm = keras.layers.Normalization()
    norm.adapt(np.random.default_rng(0).normal(5, 2, (100, 3)))

    class Shifted(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.shift = keras.ops.convert_to_tensor(np.arange(3000, dtype="float32").reshape(1000, 3)[:1])

        def call(self, x):
            return x + self.shift

    assert export(keras.Sequential([keras.Input((3,)), norm, Shifted(), keras.layers.Dense(1)]))


def test_a_model_in_a_model(export):
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu", name="in")], name="inner")
    outer = keras.Sequential([keras.Input((3,)), inner, keras.layers.Dropout(0.2), keras.layers.Dense(1, name="out")])
    assert [one["name"] for one in export(outer)["parameters"]][:1] == ["inner/in/kernel"]


def test_recurrent_layers(export):
    for layer in (
        keras.layers.LSTM(3, return_sequences=True, dropout=0.2, recurrent_dropout=0.1),
        keras.layers.Bidirectional(keras.layers.GRU(2)),
        keras.layers.SimpleRNN(3, unroll=True),
    ):
        model = keras.Sequential([keras.Input((4, 2)), layer, keras.layers.Flatten(), keras.layers.Dense(1)])
        assert export(model)["parameters"]
