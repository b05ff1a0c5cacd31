import keras
import numpy as np


def embedding(**arguments):
    return keras.Sequential(
        [keras.Input((3,), **arguments), keras.layers.Embedding(5, 2), keras.layers.Flatten(), keras.layers.Dense(1)]
    )


def test_ids_are_made_up_within_the_table(export):
    assert export(embedding(dtype="int32"))
    # Keras' default dtype for an Input, even where ids go in.
    assert export(embedding(dtype="float32"))


def test_example_must_fit_the_model(refused, linear, classifier):
    assert "rows have shape (2,)" in refused(linear, example=np.ones((3, 5)))
    assert "different length" in refused(linear, example=(np.ones((3, 2)), np.ones((4, 1))))
    assert "sample weights" in refused(linear, example=(np.ones((3, 2)), np.ones((3, 1)), np.ones(3)))
    assert "which is float32" in refused(linear, example=np.array([["a", "b"]]))
    assert "(x, y)" in refused(linear, example=(1, 2, 3, 4))
    assert "not int32" in refused(embedding(dtype="int32"), example=np.full((2, 3), 0.5))
    sparse = {"loss": "sparse_categorical_crossentropy"}
    assert "outside of [0, 2]" in refused(classifier(3), example=(np.ones((1, 2)), np.array([3])), **sparse)


def test_example_may_lack_labels_or_have_all(export, linear):
    x, y, weight = np.ones((3, 2)), np.ones((3, 1)), np.ones(3)
    for example in (x, (x,), (x, y), (x, y, weight), {"numbers": x}, x.tolist()):
        assert export(linear, example=example, sample_weight=True)
