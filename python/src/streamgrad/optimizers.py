"""Optimizers: a Keras optimizer as the manifest's `optimizer` object, every hyperparameter kept or refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from streamgrad import groups
from streamgrad.errors import ExportError

_RULES: dict[type, tuple[str, tuple[str, ...]]] = {
    keras.optimizers.SGD: ("sgd", ("momentum", "nesterov")),
    keras.optimizers.Adagrad: ("adagrad", ("initial_accumulator_value", "epsilon")),
    keras.optimizers.RMSprop: ("rmsprop", ("rho", "momentum", "epsilon", "centered")),
    keras.optimizers.Adam: ("adam", ("beta_1", "beta_2", "epsilon", "amsgrad")),
    keras.optimizers.AdamW: ("adam", ("beta_1", "beta_2", "epsilon", "amsgrad")),
    keras.optimizers.Ftrl: (
        "ftrl",
        (
            "learning_rate_power",
            "initial_accumulator_value",
            "l1_regularization_strength",
            "l2_regularization_strength",
            "l2_shrinkage_regularization_strength",
            "beta",
        ),
    ),
    keras.optimizers.Adadelta: ("adadelta", ("rho", "epsilon")),
    keras.optimizers.Nadam: ("nadam", ("beta_1", "beta_2", "epsilon")),
    keras.optimizers.Adamax: ("adamax", ("beta_1", "beta_2", "epsilon")),
    keras.optimizers.Lion: ("lion", ("beta_1", "beta_2")),
}

_schedules = keras.optimizers.schedules
_SCHEDULES: dict[type, tuple[str, tuple[str, ...]]] = {
    _schedules.ExponentialDecay: (
        "exponential_decay",
        ("initial_learning_rate", "decay_steps", "decay_rate", "staircase"),
    ),
    _schedules.InverseTimeDecay: (
        "inverse_time_decay",
        ("initial_learning_rate", "decay_steps", "decay_rate", "staircase"),
    ),
    _schedules.PolynomialDecay: (
        "polynomial_decay",
        ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle"),
    ),
    _schedules.PiecewiseConstantDecay: ("piecewise_constant_decay", ("boundaries", "values")),
    _schedules.CosineDecay: (
        "cosine_decay",
        ("initial_learning_rate", "decay_steps", "alpha", "warmup_target", "warmup_steps"),
    ),
    _schedules.CosineDecayRestarts: (
        "cosine_decay_restarts",
        ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha"),
    ),
}

_NOT_KEPT = {
    "gradient_accumulation_steps": "gradient accumulation",
    "loss_scale_factor": "loss scaling",
}


def describe(identifier: Any, parameters: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The manifest's `optimizer` object, of what `export` was given.

    `parameters` are the Keras variables by their name in the manifest, tables among them; `own` are the optimizers that
    some of these bring along, each of which makes a group.
    """
    own = own or {}
    rest = {name: variable for name, variable in parameters.items() if name not in own}
    if groups.is_one(identifier):
        others, default, its_own = [], _resolve(identifier), list(rest)
    else:
        if isinstance(identifier, Mapping):
            twice = [name for name in own if name in identifier]
            if twice:
                raise ExportError(
                    f"table {twice[0]!r} has an optimizer of its own and one in the optimizers' dict; give it one"
                )
            identifier = {pattern: _resolve(one) for pattern, one in identifier.items()}
        *others, (default, its_own) = groups.assign(identifier, rest)
    described = _describe(default, {name: parameters[name] for name in its_own})
    others += [(_resolve(optimizer), [name]) for name, optimizer in own.items()]
    if others:
        described["groups"] = [
            {"parameters": names, **_describe(optimizer, {name: parameters[name] for name in names})}
            for optimizer, names in others
        ]
    return described


def _describe(optimizer: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """One optimizer, for these parameters."""
    kind = type(optimizer)
    if kind not in _RULES:
        raise ExportError(
            f"optimizer {kind.__name__} cannot be exported; use one of {', '.join(rule.__name__ for rule in _RULES)}"
        )
    for attribute, what in _NOT_KEPT.items():
        if getattr(optimizer, attribute, None):
            raise ExportError(f"{attribute} cannot be exported ({what} is not kept); build {kind.__name__} without it")
    if optimizer.built and int(optimizer.iterations.numpy()) > 0:
        raise ExportError(
            f"the {kind.__name__} optimizer has already made {int(optimizer.iterations.numpy())} steps, and a bundle "
            "holds no optimizer slots; give a fresh one, such as "
            f"keras.optimizers.{kind.__name__}.from_config(optimizer.get_config())"
        )
    rule, own = _RULES[kind]
    config = optimizer.get_config()
    described: dict[str, Any] = {"rule": rule, "learning_rate": _learning_rate(optimizer, config)}
    described.update({name: _plain(config[name]) for name in own})
    decay = config["weight_decay"]
    described["weight_decay"] = None if decay is None or decay is False else _plain(float(decay))
    described["weight_decay_excluded"] = (
        []
        if described["weight_decay"] is None
        else [name for name, variable in parameters.items() if not optimizer._use_weight_decay(variable)]
    )
    for clip in ("clipnorm", "global_clipnorm", "clipvalue"):
        bound = config[clip]
        # Keras leaves gradients alone when the bound is zero or negative.
        described[clip] = _plain(float(bound)) if bound is not None and bound > 0 else None
    if config["use_ema"]:
        described["ema_momentum"] = _plain(config["ema_momentum"])
        described["ema_overwrite_frequency"] = _plain(config["ema_overwrite_frequency"] or None)
    return described


def _resolve(identifier: Any) -> Any:
    """A Keras optimizer from its name, its configuration or itself."""
    if isinstance(identifier, type) and issubclass(identifier, keras.optimizers.Optimizer):
        identifier = identifier()
    if identifier is None:
        raise ExportError("no optimizer was given; name one, such as optimizer='adam'")
    try:
        return keras.optimizers.get(identifier)
    except (ValueError, TypeError) as error:
        raise ExportError(f"{identifier!r} is no Keras optimizer: {error}") from error


def _learning_rate(optimizer: Any, config: Mapping[str, Any]) -> Any:
    rate = optimizer._learning_rate
    if isinstance(rate, _schedules.LearningRateSchedule):
        if type(rate) not in _SCHEDULES:
            known = ", ".join(kind.__name__ for kind in _SCHEDULES)
            raise ExportError(
                f"learning-rate schedule {type(rate).__name__} cannot be exported; use a number or one of {known}"
            )
        name, own = _SCHEDULES[type(rate)]
        fields = rate.get_config()
        return {"schedule": name, **{field: _plain(fields[field]) for field in own}}
    value = config["learning_rate"]
    if not isinstance(value, (int, float)):
        raise ExportError("a function as learning rate cannot be exported; use a number or a Keras schedule")
    # Keras holds it as float32: the shortest decimal that means the same float32.
    return _plain(float(str(np.float32(value))))


def _plain(value: Any) -> Any:
    """A hyperparameter as JSON has it: Keras takes numbers, NumPy scalars and tensors alike."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ExportError(f"hyperparameter {value} is not finite; give a finite number, or leave it out")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    # A NumPy scalar or array, or a tensor.
    plain = np.asarray(value).tolist()
    if not isinstance(plain, (bool, int, float, list)):
        raise ExportError(f"hyperparameter {value!r} is not a number; give it as one")
    return _plain(plain)
