import keras


def test_constraints_are_refused(refused):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_constraint="non_neg", name="up")])
    message = refused(model)
    assert "'up' (Dense)" in message and "NonNeg" in message


def test_parameters_of_another_type_are_refused(refused):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, dtype="float64", name="double")])
    message = refused(model)
    assert "'double' (Dense)" in message and "float64" in message


def test_weights_that_are_not_finite_are_refused(refused, linear):
    linear.layers[0].bias.assign([float("nan")])
    assert "'price' (Dense) holds values that are not finite" in refused(linear)


def test_a_model_with_nothing_to_learn_is_refused(refused, linear):
    linear.trainable = False
    assert "nothing to learn" in refused(linear)


def test_part_of_a_model_may_be_frozen(export):
    inner = keras.layers.Dense(3, name="inner")
    model = keras.Sequential([keras.Input((2,)), inner, keras.layers.Dense(1, name="outer")])
    inner.trainable = False
    manifest = export(model)
    assert [entry["name"] for entry in manifest["parameters"]] == ["outer/kernel", "outer/bias"]
    assert [entry["name"] for entry in manifest["frozen"]] == ["inner/kernel", "inner/bias"]
