import keras
import numpy as np
import pytest

O = keras.optimizers  # noqa: E741
S = keras.optimizers.schedules
COMMON = {
    "weight_decay": None, "weight_decay_excluded": [], "clipnorm": None, "global_clipnorm": None, "clipvalue": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        ("sgd", {"rule": "sgd", "learning_rate": 0.01, "momentum": 0.0, "nesterov": False}),
        (O.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=1), {
            "rule": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "clipnorm": 1.0}),
        (O.Adagrad, {"rule": "adagrad", "learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7}),
        (O.Adam(2e-3, amsgrad=True, global_clipnorm=0.5), {
            "rule": "adam", "learning_rate": 0.002, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": True,
            "global_clipnorm": 0.5}),
        (O.AdamW(clipvalue=0.5), {
            "rule": "adam", "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False,
            "weight_decay": 0.004, "clipvalue": 0.5}),
        (O.RMSprop(centered=True, momentum=0.5, weight_decay=0.1), {
            "rule": "rmsprop", "learning_rate": 0.001, "rho": 0.9, "momentum": 0.5, "epsilon": 1e-7, "centered": True,
            "weight_decay": 0.1}),
        (O.Ftrl(0.1, -0.6, 0.2, 0.3, 0.4, 0.5, 0.7), {
            "rule": "ftrl", "learning_rate": 0.1, "learning_rate_power": -0.6, "initial_accumulator_value": 0.2,
            "l1_regularization_strength": 0.3, "l2_regularization_strength": 0.4,
            "l2_shrinkage_regularization_strength": 0.5, "beta": 0.7}),
        ("adadelta", {"rule": "adadelta", "learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7}),
        (O.Nadam(beta_2=0.9), {
            "rule": "nadam", "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.9, "epsilon": 1e-7}),
        (O.Adamax(epsilon=1e-3), {
            "rule": "adamax", "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-3}),
        (O.Lion(1e-4), {"rule": "lion", "learning_rate": 1e-4, "beta_1": 0.9, "beta_2": 0.99}),
        (O.SGD(use_ema=True), {
            "rule": "sgd", "learning_rate": 0.01, "momentum": 0.0, "nesterov": False, "ema_momentum": 0.99,
            "ema_overwrite_frequency": None}),
        (O.SGD(use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=10), {
            "rule": "sgd", "learning_rate": 0.01, "momentum": 0.0, "nesterov": False, "ema_momentum": 0.9,
            "ema_overwrite_frequency": 10}),
        ({"class_name": "Adam", "config": {"learning_rate": 0.3}}, {
            "rule": "adam", "learning_rate": 0.3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False}),
    ],
)  # fmt: skip
def test_every_hyperparameter_is_kept(optimizer, expected, export, linear):
    assert export(linear, optimizer=optimizer)["optimizer"] == {**COMMON, **expected}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (S.ExponentialDecay(0.1, 100, 0.9, staircase=True), {
            "schedule": "exponential_decay", "initial_learning_rate": 0.1, "decay_steps": 100, "decay_rate": 0.9,
            "staircase": True}),
        (S.InverseTimeDecay(0.1, 10, 0.5), {
            "schedule": "inverse_time_decay", "initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5,
            "staircase": False}),
        (S.PolynomialDecay(0.1, 10, power=2.0), {
            "schedule": "polynomial_decay", "initial_learning_rate": 0.1, "decay_steps": 10, "end_learning_rate": 0.0001,
            "power": 2.0, "cycle": False}),
        (S.PiecewiseConstantDecay([10, 20], [np.float64(0.5), 0.1, 0.05]), {
            "schedule": "piecewise_constant_decay", "boundaries": [10, 20], "values": [0.5, 0.1, 0.05]}),
        (S.CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=10), {
            "schedule": "cosine_decay", "initial_learning_rate": 0.0, "decay_steps": 100, "alpha": 0.0,
            "warmup_target": 0.1, "warmup_steps": 10}),
        (S.CosineDecayRestarts(0.1, 100), {
            "schedule": "cosine_decay_restarts", "initial_learning_rate": 0.1, "first_decay_steps": 100, "t_mul": 2.0,
            "m_mul": 1.0, "alpha": 0.0}),
    ],
)  # fmt: skip
def test_schedules_are_kept(schedule, expected, export, linear):
    assert export(linear, optimizer=O.SGD(schedule))["optimizer"]["learning_rate"] == expected


def test_parameters_without_decay_are_named(export, linear):
    by_pattern = O.AdamW()
    by_pattern.exclude_from_weight_decay(var_names=["bias"])
    assert export(linear, optimizer=by_pattern)["optimizer"]["weight_decay_excluded"] == ["price/bias"]
    by_variable = O.SGD(weight_decay=0.1)
    by_variable.exclude_from_weight_decay(var_list=[linear.layers[0].kernel])
    assert export(linear, optimizer=by_variable)["optimizer"]["weight_decay_excluded"] == ["price/kernel"]


class MySchedule(S.LearningRateSchedule):
    """Known to nobody else."""

    def __call__(self, step):
        return 0.1

    def get_config(self):
        return {}


class MyAdam(O.Adam):
    """Known to nobody else."""


@pytest.mark.parametrize(
    ("optimizer", "named"),
    [
        ("adafactor", "Adafactor"),
        (O.Lamb(), "Lamb"),
        (MyAdam(), "MyAdam"),
        (O.SGD(MySchedule()), "MySchedule"),
        (O.SGD(lambda: 0.1), "function as learning rate"),
        (O.SGD(gradient_accumulation_steps=2), "gradient_accumulation_steps"),
        (O.SGD(loss_scale_factor=8.0), "loss_scale_factor"),
        (O.LossScaleOptimizer(O.SGD()), "LossScaleOptimizer"),
        (O.SGD(clipvalue=float("inf")), "not finite"),
        (O.SGD(float("nan")), "not finite"),
        ("nonsense", "nonsense"),
        (None, "no optimizer"),
    ],
)
def test_what_cannot_be_kept_is_refused(optimizer, named, refused, linear):
    assert named in refused(linear, optimizer=optimizer)


def test_an_optimizer_that_has_learned_is_refused(refused, linear):
    linear.compile("adam", "mse")
    linear.train_on_batch(np.ones((2, 2)), np.ones((2, 1)))
    assert "already made 1 steps" in refused(linear, optimizer=linear.optimizer)
