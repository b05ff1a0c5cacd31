import keras
import pytest

from streamgrad import ExportError
from streamgrad.columns import Filled, fields_of, refuse_shared_fields


def test_one_field_or_one_for_each_element():
    Filled("x", "float32", (2, 3), ("row",))
    Filled("x", "float32", (2, 3), tuple("abcdef"))
    with pytest.raises(ExportError, match="6 elements a row but 2 fields"):
        Filled("x", "float32", (2, 3), ("a", "b"))


def test_sizes_are_positive():
    with pytest.raises(ExportError, match="at least 1"):
        Filled("x", "float32", (2, 0), ("x",))


def test_dtypes_that_a_bundle_holds():
    with pytest.raises(ExportError, match="qint8"):
        Filled("x", "qint8", (), ("x",))
    assert Filled("x", "bfloat16", (), ("x",)).dtype == "bfloat16"


@pytest.mark.parametrize("bad", [[], [1], "", [""]])
def test_fields_are_names(bad):
    with pytest.raises(ExportError, match="by name"):
        fields_of(bad)


def test_a_field_fills_one_place():
    columns = [Filled("x", "float32", (2,), ("a", "b")), Filled("y", "float32", (), ("b",))]
    with pytest.raises(ExportError, match="'b' fills two places, in 'x' and 'y'"):
        refuse_shared_fields(columns)


def test_columns_have_names_of_their_own(refused, linear):
    assert "two columns are named 'numbers'" in refused(linear, features=["a", "b"], label="numbers")
    assert "two places" in refused(linear, features=["a", "label"])
    assert "two places" in refused(linear, features=["a", "a"])


def test_bfloat16_parameters_are_refused(refused):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, dtype="bfloat16", name="y")])
    assert "bfloat16" in refused(model)
