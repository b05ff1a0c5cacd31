import keras
import numpy as np
import pytest
import tensorflow as tf

from streamgrad import ragged


def listed(rows):
    return [row.tolist() for row in rows]


@pytest.mark.parametrize(
    "rows", [[[1, 2], [], [3]], [[1, 2], [3, 4]], [[], []], [[5]]], ids=["ragged", "of one length", "empty", "one"]
)
def test_there_and_back(rows):
    array = ragged.ragged_rows(np.array(row, np.int64) for row in rows)
    assert ragged.is_ragged(array)
    tensor = ragged.as_tensor(array, "int64")
    assert isinstance(tensor, tf.RaggedTensor)
    assert tensor.to_list() == rows
    assert listed(ragged.as_array(tensor)) == rows
    assert ragged.flat_rows(array).tolist() == [value for row in rows for value in row]
    assert np.array_equal(ragged.flat_values(tensor), ragged.flat_rows(array))
    assert ragged.lengths(array).tolist() == [len(row) for row in rows]


def test_other_columns_stay_as_they_are():
    strings = np.array([b"a", b"b"], object)
    assert not ragged.is_ragged(strings)
    assert ragged.flat_rows(strings) is strings
    assert ragged.as_array([[1, 2], [3, 4]]).shape == (2, 2)
    assert ragged.as_tensor(np.ones((2, 3))).shape == (2, 3)


def model():
    """Sums of ragged numbers, and no table."""
    numbers = keras.Input((None,), ragged=True, name="numbers")
    total = keras.layers.Lambda(lambda x: tf.reduce_sum(x, 1)[:, None], output_shape=(1,), name="sum")(numbers)
    return keras.Model(numbers, keras.layers.Dense(1, name="y")(total))


def test_a_model_without_tables_may_take_them(export):
    [feature] = export(model(), features="prices")["features"]
    assert feature == {
        "name": "numbers", "dtype": "float32", "shape": [], "fields": ["prices"], "tensor": "feature/numbers:0",
        "ragged": True, "lengths": "feature/numbers/lengths:0",
    }  # fmt: skip


@pytest.mark.parametrize(
    "x",
    [[[1, 2], [], [3]], [[1, 2], [3, 4]], {"numbers": [[1.5], []]}, tf.ragged.constant([[1.0], [2.0, 3.0]])],
    ids=["lists", "of one length", "dict", "tensor"],
)
def test_an_example_may_hold_them(x, export):
    assert export(model(), example=x)["features"][0]["ragged"]
    rows = x.nrows() if tf.is_tensor(x) else len(x["numbers"]) if isinstance(x, dict) else len(x)
    assert export(model(), example=(x, np.ones((rows, 1))))


def test_an_example_of_other_shape_is_refused(refused):
    assert "no ragged rows for 'numbers'" in refused(model(), example=np.ones(3))
    assert "a row is a list of single values" in refused(model(), example=tf.ragged.constant([[[1.0], []]]))
    assert "which is float32" in refused(model(), example=[["a"], []])
