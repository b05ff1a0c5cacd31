import keras
import numpy as np
import pytest
import tensorflow as tf

from streamgrad import transforms
from streamgrad.columns import Filled
from streamgrad.transforms import Refused, Transform

layers = keras.layers
WORDS = np.array(["UA", "", "naïve", "y" * 70], object)
NUMBERS = np.array([-1, 0, 0.1, 5], np.float32)


def column(rows, optional=False):
    dtype = "string" if rows.dtype == object else str(rows.dtype)
    return Filled("x", dtype, rows.shape[1:], ("x",), optional=optional)


def apply(rows, *steps, optional=False, moments=None):
    """What steps make of one column."""
    return transforms.apply(Transform(("x",), steps), {"x": column(rows, optional)}, {"x": rows}, moments)


def of_keras(layer, rows):
    return np.asarray(layer(tf.constant(rows.tolist() if rows.dtype == object else rows)))


@pytest.mark.parametrize(
    ("rows", "step", "layer"),
    [
        (NUMBERS, {"kind": "bucketize", "boundaries": [0.0, float(np.float32(0.1))]}, layers.Discretization([0.0, 0.1])),
        (WORDS, {"kind": "hash", "buckets": 50, "mask": None}, layers.Hashing(50)),
        (WORDS, {"kind": "hash", "buckets": 50, "mask": ""}, layers.Hashing(50, mask_value="")),
        (np.array([-5, 7]), {"kind": "hash", "buckets": 50, "mask": 7}, layers.Hashing(50, mask_value=7)),
        (
            WORDS, {"kind": "vocabulary", "tokens": ["UA"], "oov": 3, "mask": ""},
            layers.StringLookup(vocabulary=["UA"], num_oov_indices=3, mask_token=""),
        ),
        (
            np.array([-5, 7, 8]), {"kind": "vocabulary", "tokens": [8], "oov": 3, "mask": None},
            layers.IntegerLookup(vocabulary=[8], num_oov_indices=3),
        ),
    ],
    ids=["bucketize", "hash", "hash_mask", "hash_int", "vocabulary", "vocabulary_int"],
)  # fmt: skip
def test_words_and_buckets_are_those_of_keras(rows, step, layer):
    assert np.array_equal(apply(rows, step)[:, 0], of_keras(layer, rows))


def test_numbers():
    assert np.allclose(
        apply(NUMBERS, {"kind": "standardize", "mean": [1.0], "variance": [4.0]})[:, 0], (NUMBERS - 1) / 2
    )
    assert np.allclose(apply(NUMBERS, {"kind": "min_max", "min": [-1.0], "max": [5.0]})[[0, -1], 0], [0, 1])
    assert np.allclose(apply(NUMBERS, {"kind": "clip", "min": None, "max": 0.0})[:, 0], [-1, 0, 0, 0])
    assert np.allclose(apply(np.array([6.0, 12.0]), {"kind": "cyclic", "period": 24.0}), [[1, 0], [0, -1]])


def test_running_moments_are_given_or_the_rows_own():
    step = {"kind": "running_standardize", "state": "s"}
    assert np.allclose(apply(np.array([1.0, 3.0]), step)[:, 0], [-1, 1])
    moments = {"s": np.array([[2.0], [1.0], [8.0]])}
    assert np.allclose(apply(np.array([1.0, 3.0]), step, moments=moments)[:, 0], [0, 1])
    assert np.array_equal(apply(np.array([1.0, 3.0]), step, moments={"s": np.zeros((3, 1))})[:, 0], [0, 0])


def test_gaps_are_filled_shown_or_refused():
    rows = np.array([1, np.nan], np.float32)
    assert apply(rows, {"kind": "default", "value": 7.0}, optional=True)[:, 0].tolist() == [1, 7]
    assert apply(rows, {"kind": "missing"}, optional=True)[:, 0].tolist() == [0, 1]
    assert apply(WORDS, {"kind": "default", "value": "é"}, optional=True)[1, 0] == "é".encode()
    with pytest.raises(Refused, match="x is missing and has no default"):
        apply(rows, {"kind": "log"}, optional=True)


@pytest.mark.parametrize(
    ("rows", "step", "message"),
    [
        (NUMBERS, {"kind": "log"}, "-1.0 has no logarithm"),
        (WORDS, {"kind": "vocabulary", "tokens": ["UA"], "oov": 0, "mask": None}, "is not in the vocabulary"),
        (np.array([0, 3]), {"kind": "one_hot", "depth": 3}, "not from 0 to 2"),
    ],
    ids=["log", "vocabulary", "one_hot"],
)
def test_what_cannot_be_transformed_is_refused(rows, step, message):
    with pytest.raises(Refused, match=message):
        apply(rows, step)
