import keras
import numpy as np
import tensorflow as tf


def with_layer(layer, dtype="float32"):
    return keras.Sequential([keras.Input((2,), dtype=dtype), layer, keras.layers.Dense(1, name="last")])


class Calling(keras.layers.Layer):
    """Calls what it is given."""

    def __init__(self, function, **arguments):
        super().__init__(**arguments)
        self.function = function

    def call(self, x):
        return self.function(x)


def test_lookup_tables_are_refused(refused):
    lookup = keras.layers.StringLookup(
        vocabulary=["a", "b"], output_mode="tf_idf", idf_weights=[1.0, 2.0], name="words"
    )
    message = refused(with_layer(lookup, "string"))
    assert "'words' (StringLookup)" in message and "Hashing" in message


def test_python_is_refused(refused):
    def double(x):
        y = tf.py_function(lambda t: t * 2, [x], tf.float32)
        return tf.ensure_shape(y, (None, 2))

    message = refused(with_layer(Calling(double, name="snake")))
    assert "'snake' (Calling) calls Python" in message


def test_random_numbers_without_a_seed_generator_are_refused(refused):
    def noise(x):
        return x + tf.random.normal(tf.shape(x))

    message = refused(with_layer(Calling(noise, name="noisy")))
    assert "'noisy' (Calling) draws random numbers" in message and "SeedGenerator" in message


def test_the_global_seed_is_refused(refused):
    def noise(x):
        return x + keras.random.normal(keras.ops.shape(x))

    assert "SeedGenerator" in refused(with_layer(Calling(noise, name="noisy")))


def test_a_variable_that_no_layer_tracks_is_refused(refused):
    hidden = tf.Variable(np.ones(2, "float32"))
    message = refused(with_layer(Calling(lambda x: x * hidden, name="hiding")))
    assert "'hiding' (Calling) reads a variable" in message
