import json

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file

import streamgrad
from streamgrad import cross, field


def model(**inputs):
    """Takes inputs of these shapes and dtypes, flattened side by side."""
    tensors = {name: keras.Input(shape, dtype=dtype, name=name) for name, (shape, dtype) in inputs.items()}
    flat = [keras.layers.Reshape((-1,))(keras.layers.Rescaling(1.0)(tensor)) for tensor in tensors.values()]
    every = keras.layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    return keras.Model(tensors, keras.layers.Dense(1, name="y")(every))


def numbers(count, dtype="float32"):
    return model(numbers=((count,), dtype))


def test_a_record_and_transforms_of_it(export):
    manifest = export(
        model(numbers=((4,), "float32"), hour=((2,), "float32"), plain=((2,), "float32")),
        features={
            "numbers": ["distance", field("seats", default=130, log=True, missing_indicator=True), field("wind", min_max=(0, 50))],
            "hour": field("sched_dep", cyclic=24),
            "plain": ["a", "b"],
        },
    )  # fmt: skip
    made = {feature["name"]: feature.get("transform") for feature in manifest["features"]}
    assert made["plain"] is None
    assert made["hour"] == {"of": ["sched_dep"], "steps": [{"kind": "cyclic", "period": 24.0}]}
    assert made["numbers"] == {
        "of": [
            "distance",
            {"of": ["seats"], "steps": [{"kind": "default", "value": 130.0}, {"kind": "log"}]},
            {"of": ["seats"], "steps": [{"kind": "missing"}]},
            {"of": ["wind"], "steps": [{"kind": "min_max", "min": [0.0], "max": [50.0]}]},
        ],
        "steps": [],
    }
    assert all(("fields" in feature) == (feature["name"] == "plain") for feature in manifest["features"])
    record = {column["name"]: column for column in manifest["record"]}
    assert sorted(record) == ["distance", "sched_dep", "seats", "wind"]
    assert record["seats"] == {"name": "seats", "dtype": "float32", "shape": [], "fields": ["seats"], "optional": True}


def test_a_bundle_without_transforms_is_as_it_was(export, linear):
    manifest = export(linear, features=["a", "b"])
    assert "record" not in manifest
    assert manifest["features"][0]["fields"] == ["a", "b"]


def test_running_moments_are_state_that_begins_with_nothing(export):
    manifest = export(
        numbers(3),
        features=[field("a", standardize=True), field("b", log=True, standardize=True), field("c", standardize=(1, 4))],
    )
    moments = [entry for entry in manifest["state"] if entry["kind"] == "moments"]
    assert moments == [
        {"name": f"numbers/{name}/moments", "kind": "moments", "dtype": "float64", "shape": [3, 1]} for name in "ab"
    ]
    values = load_file(manifest["folder"] / "initial.safetensors")
    assert np.array_equal(values["numbers/a/moments"], np.zeros((3, 1)))


def test_what_a_record_holds_follows_from_the_transforms(export):
    manifest = export(
        model(words=((3,), "int64"), image=((2, 3), "float32"), crossed=((), "int64"), whole=((2,), "float32")),
        features={
            "words": [field("w", hash=9), field("v", vocabulary=[1, 2]), field("i", hash=9, dtype="int32")],
            "image": field("image", min_max=(0, 255)),
            "crossed": cross(["w", field("h", bucketize=[6, 12])], 7),
            "whole": ["x", field("x", clip=(0, 1))],
        },
    )  # fmt: skip
    record = {column["name"]: (column["dtype"], column["shape"]) for column in manifest["record"]}
    assert record == {
        "w": ("string", []), "v": ("int64", []), "i": ("int32", []), "image": ("float32", [2, 3]), "h": ("float32", []),
        "x": ("float32", []),
    }  # fmt: skip


def test_a_field_may_serve_a_feature_as_it_is_and_others_transformed(export):
    manifest = export(
        model(raw=((), "float32"), hour=((2,), "float32")), features={"raw": "time", "hour": field("time", cyclic=24)}
    )
    assert manifest["features"][1 if manifest["features"][1]["name"] == "raw" else 0]["transform"] == {
        "of": ["time"], "steps": [],
    }  # fmt: skip
    assert [column["name"] for column in manifest["record"]] == ["time"]


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: field("a", log=True, log1p=True), "has log and log1p"),
        (lambda: field("a", hash=3, vocabulary=["x"]), "has hash and vocabulary"),
        (lambda: field("a", hash=3, log=True), "takes values as they are"),
        (lambda: field("a", standardize=True, min_max=(0, 1)), "has standardize and min_max"),
        (lambda: field("a", one_hot=True), "takes indices"),
        (lambda: field("a", hash=0), "a whole number, 1 or more"),
        (lambda: field("a", bucketize=[2, 1]), "in ascending order"),
        (lambda: field("a", bucketize=[]), "give some"),
        (lambda: field("a", clip=(2, 1)), "the second number is the larger"),
        (lambda: field("a", min_max=(1, 1)), "the second number is the larger"),
        (lambda: field("a", min_max=3), "give two numbers"),
        (lambda: field("a", cyclic=0), "it is positive"),
        (lambda: field("a", default=float("nan")), "a finite number is needed"),
        (lambda: field("a", standardize=(0, -1)), "it is not negative"),
        (lambda: field("a", vocabulary=[]), "give a list of strings or of integers"),
        (lambda: field("a", vocabulary=["x", 1]), "strings and others"),
        (lambda: field("a", vocabulary=["x", "y", "x"]), "'x' in its vocabulary twice"),
        (lambda: field("a", vocabulary=["x"], num_oov_indices=-1), "it is 0 or more"),
        (lambda: field("a", log=True, missing_indicator=True), "give the default"),
        (lambda: field("a", mask_token=""), "goes with hash or vocabulary"),
        (lambda: field("a", dtype="decimal"), "it is one of float32"),
        (lambda: field(""), "by its name"),
        (lambda: cross(["a"], 3), "two or more fields"),
        (lambda: cross(["a", "b"], 0), "a whole number, 1 or more"),
        (lambda: cross(["a", field("b", default="", missing_indicator=True)], 3), "leave out missing_indicator"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_is_declared(declare, message):
    with pytest.raises(streamgrad.ExportError) as caught:
        declare()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([field("a", cyclic=24), "b"], "make 3 numbers a row, but it takes 2 of float32"),
        (
            [field("a", default=0.5, dtype="int64"), "b"],
            "the default 0.5 is no whole number of at most 2^53",
        ),
        ([field("a", default=0, dtype="int16"), "b"], "int16, which has no value that says that it is missing"),
        ([field("a", log=True, dtype="string"), "b"], "log takes numbers or integers, not strings"),
        ([field("a", vocabulary=["x"], dtype="int64"), "b"], "vocabulary takes strings, not integers"),
        ([field("a", hash=3, dtype="float32"), "b"], "hash takes integers or strings, not numbers"),
        ([field("a", log=True, dtype="uint64"), "b"], "make it int64"),
        ([field("a", log=True, dtype="float16"), "b"], "make it float32"),
        ([field("a", hash=3), field("a", log=True, dtype="float32")], "in one place and float32 in another"),
        ([cross(["a", field("b", log=True)], 3), "c"], "takes single strings or integers"),
        ([field("a", log=True), field("b", default="x")], "strings and numbers"),
        ([field("a", log=True), 7], "fields are given by name"),
        ([field("a", log=True), "label"], "two columns are named 'label'"),
    ],
)
def test_what_does_not_fit_the_feature_or_the_record_is_refused(features, message, refused):
    assert message in refused(numbers(2), features=features)


def test_a_fraction_does_not_become_an_integer(refused):
    assert "make 1 numbers a row, but it takes 1 of int64" in refused(
        model(id=((), "int64")), features={"id": field("id", log=True)}
    )


def test_an_example_is_of_the_inputs_not_of_the_record(export):
    manifest = export(
        numbers(2), features=field("t", cyclic=24), example=({"numbers": np.ones((3, 2))}, np.ones((3, 1)))
    )
    assert json.dumps(manifest["features"][0]["transform"])
