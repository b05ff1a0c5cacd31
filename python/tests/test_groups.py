import keras
import pytest

O = keras.optimizers  # noqa: E741


@pytest.fixture
def tower():
    """Three parts with two parameters each."""
    layers = [keras.layers.Dense(2, name=name) for name in ("first", "second", "price")]
    return keras.Sequential([keras.Input((2,), name="numbers"), *layers])


def shown(manifest):
    """Rule, rate and parameters of every group, the default first."""
    default = manifest["optimizer"]
    return [(one["rule"], one["learning_rate"], one.get("parameters")) for one in (default, *default.get("groups", []))]


def test_a_layer_a_parameter_and_a_pattern_name_groups(export, tower):
    optimizers = {"first": "sgd", "second/bias": O.Adagrad(0.5), ".*/bias": O.Lion(), ".*": O.Adam(0.25)}
    assert shown(export(tower, optimizer=optimizers)) == [
        ("adam", 0.25, None),
        ("sgd", 0.01, ["first/kernel", "first/bias"]),
        ("adagrad", 0.5, ["second/bias"]),
        ("lion", 0.001, ["price/bias"]),
    ]


def test_an_optimizer_named_twice_has_one_group(export, tower):
    shared = O.SGD(0.5, global_clipnorm=1.0)
    optimizers = {"first": shared, "second": "adam", "price/kernel": shared, "price": "sgd"}
    assert shown(export(tower, optimizer=optimizers)) == [
        ("sgd", 0.01, None),
        ("sgd", 0.5, ["first/kernel", "first/bias", "price/kernel"]),
        ("adam", 0.001, ["second/kernel", "second/bias"]),
    ]


def test_one_optimizer_for_all_leaves_no_groups(export, tower):
    alone = export(tower, optimizer=O.SGD(0.5))["optimizer"]
    assert "groups" not in alone
    assert export(tower, optimizer={".*": O.SGD(0.5)})["optimizer"] == alone


def test_decay_leaves_alone_what_is_in_the_group(export, tower):
    first, rest = O.SGD(weight_decay=0.1), O.AdamW()
    for optimizer in (first, rest):
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    described = export(tower, optimizer={"first": first, ".*": rest})["optimizer"]
    assert described["weight_decay_excluded"] == ["second/bias", "price/bias"]
    assert described["groups"][0]["weight_decay_excluded"] == ["first/bias"]


def test_keras_own_optimizer_of_groups(export, tower):
    # Its patterns are of Keras' paths, which may begin with the model's name.
    by_pattern = O.MultiOptimizer(O.OptimizerMap(O.Adam(0.5), {".*first/.*": O.Ftrl(0.25)}))
    wanted = [("adam", 0.5, None), ("ftrl", 0.25, ["first/kernel", "first/bias"])]
    assert shown(export(tower, optimizer=by_pattern)) == wanted
    of_biases, of_kernels = O.SGD(0.5), O.Nadam()
    by_function = O.MultiOptimizer(lambda variable: of_biases if variable.name == "bias" else of_kernels)
    assert shown(export(tower, optimizer=by_function)) == [
        ("sgd", 0.5, None),
        ("nadam", 0.001, ["first/kernel", "second/kernel", "price/kernel"]),
    ]


@pytest.mark.parametrize(
    ("optimizer", "named"),
    [
        ({"first": "sgd"}, "leaves second/kernel, second/bias, price/kernel, price/bias without one"),
        ({}, "leaves first/kernel"),
        ({"third": "sgd", ".*": "adam"}, "no parameter is left for 'third'"),
        ({".*": "sgd", "first": "adam"}, "no parameter is left for 'first'"),
        ({"(": "sgd", ".*": "adam"}, "is no pattern"),
        ({None: "sgd"}, "key None"),
        ({"first": "nonsense", ".*": "adam"}, "nonsense"),
        ({"first": O.Lamb(), ".*": "adam"}, "Lamb"),
        ({"first": O.MultiOptimizer(O.OptimizerMap(O.Adam())), ".*": "adam"}, "MultiOptimizer"),
        (O.MultiOptimizer(O.OptimizerMap(O.Adam(), {".*first.*": O.SGD(), ".*bias": O.SGD()})), "Multiple optimizers"),
        (O.MultiOptimizer(O.OptimizerMap(O.Adam()), loss_scale_factor=8.0), "loss_scale_factor"),
    ],
)
def test_what_names_no_groups_is_refused(optimizer, named, refused, tower):
    assert named in refused(tower, optimizer=optimizer)
