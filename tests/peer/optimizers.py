"""Writes what Keras' optimizers do with fed gradients, for the parity tests of `src/optimizer`.

    python optimizers.py OUTDIR

`OUTDIR/optimizers.json` holds the optimizer of each case as the bundle format has it. `OUTDIR/optimizers.safetensors`
holds the parameters at the start (`start/<parameter>`), the gradients of every step (`gradient/<parameter>`, steps
first) and for each case the parameters and slots after every step (`<case>/parameter/<parameter>`,
`<case>/slot/<slot>/<parameter>`, steps first). The gradient of the table is the sum of slices whose ids repeat.
The cases of schedules have their learning rates (`<case>/learning_rate`) at the iterations `iterations`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

STEPS = 300
SHAPES = {"dense/kernel": (13, 7), "dense/bias": (7,), "table/embeddings": (11, 5)}
ITERATIONS = [*range(STEPS), 1_000, 9_999, 123_456, 16_777_217, 2_000_000_000]
schedules = keras.optimizers.schedules

Optimizer = keras.optimizers.Optimizer
Case = tuple[dict[str, Any], Optimizer | dict[str, Optimizer]]
"""The description, and the optimizer, or that of each parameter."""


def common(**given: Any) -> dict[str, Any]:
    """The fields that every optimizer has, of the arguments of one."""
    absent = dict.fromkeys(["weight_decay", "clipnorm", "global_clipnorm", "clipvalue"])
    given.pop("use_ema", None)
    return {**absent, "weight_decay_excluded": [], **given}


def of(kind: type, rule: str, own: dict[str, Any], rate: float, **given: Any) -> Case:
    """Any rule, from its hyperparameters and what all optimizers take."""
    return {"rule": rule, "learning_rate": rate, **own, **common(**given)}, kind(rate, **own, **given)


def sgd(rate: float = 0.05, momentum: float = 0.0, nesterov: bool = False, **given: Any) -> Case:
    """Stochastic gradient descent."""
    config = {
        "rule": "sgd",
        "learning_rate": rate,
        "momentum": momentum,
        "nesterov": nesterov,
        **common(**given),
    }
    return config, keras.optimizers.SGD(rate, momentum, nesterov, **given)


def adagrad(rate: float = 0.05, accumulator: float = 0.1, epsilon: float = 1e-7, **given: Any) -> Case:
    """Adagrad."""
    own = {"initial_accumulator_value": accumulator, "epsilon": epsilon}
    return of(keras.optimizers.Adagrad, "adagrad", own, rate, **given)


def rmsprop(
    rate: float = 0.01,
    rho: float = 0.9,
    momentum: float = 0.0,
    epsilon: float = 1e-7,
    centered: bool = False,
    **given: Any,
) -> Case:
    """RMSprop."""
    own = {"rho": rho, "momentum": momentum, "epsilon": epsilon, "centered": centered}
    return of(keras.optimizers.RMSprop, "rmsprop", own, rate, **given)


def adam(
    rate: float = 0.01,
    amsgrad: bool = False,
    epsilon: float = 1e-7,
    betas: tuple[float, float] = (0.9, 0.999),
    **given: Any,
) -> Case:
    """Adam, or AdamW if weights decay."""
    own = {"beta_1": betas[0], "beta_2": betas[1], "epsilon": epsilon, "amsgrad": amsgrad}
    kind = keras.optimizers.AdamW if "weight_decay" in given else keras.optimizers.Adam
    return of(kind, "adam", own, rate, **given)


def ftrl(
    rate: float = 0.05,
    power: float = -0.5,
    accumulator: float = 0.1,
    l1: float = 0.0,
    l2: float = 0.0,
    shrinkage: float = 0.0,
    beta: float = 0.0,
    **given: Any,
) -> Case:
    """Ftrl."""
    own = {
        "learning_rate_power": power,
        "initial_accumulator_value": accumulator,
        "l1_regularization_strength": l1,
        "l2_regularization_strength": l2,
        "l2_shrinkage_regularization_strength": shrinkage,
        "beta": beta,
    }
    return of(keras.optimizers.Ftrl, "ftrl", own, rate, **given)


def adadelta(rate: float = 1.0, rho: float = 0.95, epsilon: float = 1e-7, **given: Any) -> Case:
    """Adadelta."""
    return of(keras.optimizers.Adadelta, "adadelta", {"rho": rho, "epsilon": epsilon}, rate, **given)


def nadam(
    rate: float = 0.01, betas: tuple[float, float] = (0.9, 0.999), epsilon: float = 1e-7, **given: Any
) -> Case:
    """Nadam."""
    own = {"beta_1": betas[0], "beta_2": betas[1], "epsilon": epsilon}
    return of(keras.optimizers.Nadam, "nadam", own, rate, **given)


def adamax(
    rate: float = 0.01, betas: tuple[float, float] = (0.9, 0.999), epsilon: float = 1e-7, **given: Any
) -> Case:
    """Adamax."""
    own = {"beta_1": betas[0], "beta_2": betas[1], "epsilon": epsilon}
    return of(keras.optimizers.Adamax, "adamax", own, rate, **given)


def lion(rate: float = 0.003, betas: tuple[float, float] = (0.9, 0.99), **given: Any) -> Case:
    """Lion."""
    return of(keras.optimizers.Lion, "lion", {"beta_1": betas[0], "beta_2": betas[1]}, rate, **given)


def averaged(momentum: float = 0.99, frequency: int | None = None) -> dict[str, Any]:
    """The arguments of a moving average."""
    return {"use_ema": True, "ema_momentum": momentum, "ema_overwrite_frequency": frequency}


def scheduled(kind: type, name: str, **fields: Any) -> Case:
    """Descent at a scheduled rate."""
    return sgd()[0] | {"learning_rate": {"schedule": name, **fields}}, keras.optimizers.SGD(kind(**fields))


def excluding(case: Case, name: str = "dense/bias") -> Case:
    """The case, this parameter left alone by decay."""
    config, optimizer = case
    optimizer.exclude_from_weight_decay(var_names=[plain(name)])
    return config | {"weight_decay_excluded": [name]}, optimizer


def plain(name: str) -> str:
    """The name of a parameter's variable."""
    return name.split("/")[-1]


def grouped(default: Case, groups: dict[tuple[str, ...], Case]) -> Case:
    """Optimizers for groups of parameters, each with its own alone; the default for the others."""
    config = default[0] | {"groups": [{"parameters": names, **case[0]} for names, case in groups.items()]}
    chosen = {name: case[1] for names, case in groups.items() for name in names}
    return config, {name: chosen.get(name, default[1]) for name in SHAPES}


def mapped(case: Case) -> Case:
    """The case, by Keras' own optimizer for groups."""
    config, chosen = case
    by_variable = {plain(name): optimizer for name, optimizer in chosen.items()}
    return config, keras.optimizers.MultiOptimizer(lambda variable: by_variable[variable.name])


def cases() -> dict[str, Case]:
    """Every rule, clip and schedule by name."""
    exponential, inverse = schedules.ExponentialDecay, schedules.InverseTimeDecay
    decay = {"initial_learning_rate": 0.1, "decay_steps": 40, "decay_rate": 0.83}
    polynomial = {
        "initial_learning_rate": 0.1,
        "decay_steps": 40,
        "end_learning_rate": 0.003,
        "power": 1.0,
        "cycle": False,
    }
    cosine = {
        "initial_learning_rate": 0.1,
        "decay_steps": 150,
        "alpha": 0.05,
        "warmup_target": None,
        "warmup_steps": 0,
    }
    restarts = {
        "initial_learning_rate": 0.1,
        "first_decay_steps": 40,
        "t_mul": 1.7,
        "m_mul": 0.9,
        "alpha": 0.05,
    }
    return {
        "sgd": sgd(),
        "momentum": sgd(momentum=0.9),
        "nesterov": sgd(momentum=0.9, nesterov=True),
        "nesterov_without_momentum": sgd(nesterov=True),
        "adagrad": adagrad(),
        "adagrad_small_accumulator": adagrad(accumulator=0.001),
        "adagrad_large_epsilon": adagrad(epsilon=0.01),
        "adam": adam(),
        "adam_other_betas": adam(betas=(0.8, 0.95), epsilon=1e-3),
        "amsgrad": adam(amsgrad=True, betas=(0.9, 0.9)),
        "adamw": adam(weight_decay=0.004),
        "adamw_excluded": excluding(adam(weight_decay=0.1)),
        "amsgrad_decay": adam(amsgrad=True, weight_decay=0.01),
        "sgd_decay": sgd(weight_decay=0.01),
        "nesterov_decay_excluded": excluding(sgd(momentum=0.8, nesterov=True, weight_decay=0.02)),
        "adagrad_decay": adagrad(weight_decay=0.01),
        "sgd_clipvalue": sgd(clipvalue=0.3),
        "rmsprop": rmsprop(),
        "rmsprop_momentum": rmsprop(momentum=0.8, rho=0.95),
        "rmsprop_centered": rmsprop(centered=True, epsilon=1e-3),
        "rmsprop_centered_momentum": rmsprop(rate=0.001, centered=True, momentum=0.9, epsilon=1e-5),
        "rmsprop_decay": rmsprop(weight_decay=0.01),
        "ftrl": ftrl(),
        "ftrl_regularized": ftrl(l1=0.01, l2=0.02, shrinkage=0.003, beta=0.5),
        "ftrl_sparse": ftrl(rate=0.2, l1=0.5),
        "ftrl_power": ftrl(power=-0.7, l1=0.001),
        "ftrl_constant_rate": ftrl(power=0.0, l2=0.1),
        "ftrl_mcmahan": ftrl(rate=0.1, accumulator=0.0, l1=0.1, l2=0.05, beta=1.0),
        "ftrl_decay_clipvalue": ftrl(weight_decay=0.01, clipvalue=0.3),
        "adadelta": adadelta(),
        "adadelta_other_rho": adadelta(rate=0.5, rho=0.8, epsilon=1e-4),
        "adadelta_decay": adadelta(weight_decay=0.01),
        "nadam": nadam(),
        "nadam_other_betas": nadam(betas=(0.7, 0.95), epsilon=1e-3),
        "nadam_slow": nadam(betas=(0.9999, 0.9999)),
        "nadam_decay": nadam(weight_decay=0.004),
        "adamax": adamax(),
        "adamax_other_betas": adamax(betas=(0.8, 0.9), epsilon=1e-3),
        "adamax_decay_excluded": excluding(adamax(weight_decay=0.01)),
        "lion": lion(),
        "lion_other_betas": lion(betas=(0.95, 0.98)),
        "lion_decay": lion(weight_decay=0.1),
        "lion_clipvalue": lion(clipvalue=0.1),
        "sgd_average": sgd(**averaged()),
        "adam_average_overwriting": adam(weight_decay=0.004, **averaged(0.9, 7)),
        "rmsprop_centered_momentum_average": rmsprop(
            rate=0.001, centered=True, momentum=0.9, epsilon=1e-5, **averaged(0.5, 1)
        ),
        "lion_average_of_nothing": lion(**averaged(1.0, 100)),
        "sgd_average_of_the_last": sgd(momentum=0.9, **averaged(0.0, 3)),
        "adam_clipvalue": adam(clipvalue=0.05),
        "adagrad_clipvalue": adagrad(clipvalue=0.3),
        "sgd_clipnorm": sgd(clipnorm=2.0),
        "adagrad_clipnorm": adagrad(clipnorm=0.7),
        "momentum_clipnorm": sgd(momentum=0.9, clipnorm=0.7),
        "sgd_clipnorm_never_reached": sgd(clipnorm=1e6),
        "sgd_global_clipnorm": sgd(global_clipnorm=3.0),
        "adagrad_global_clipnorm": adagrad(global_clipnorm=0.7),
        "adam_global_clipnorm_decay": adam(global_clipnorm=0.7, weight_decay=0.004),
        "sgd_global_clipnorm_never_reached": sgd(global_clipnorm=1e6),
        "nadam_global_clipnorm": nadam(global_clipnorm=0.7),
        "groups": grouped(
            excluding(adam(weight_decay=0.02, **averaged(0.9, 5))),
            {("table/embeddings",): adagrad(rate=0.1, weight_decay=0.01)},
        ),
        "groups_global_clipnorm": grouped(
            sgd(global_clipnorm=0.5),
            {
                ("table/embeddings",): adagrad(global_clipnorm=0.2),
                ("dense/bias",): scheduled(exponential, "exponential_decay", **decay, staircase=False),
            },
        ),
        "groups_mapped": mapped(
            grouped(nadam(clipvalue=0.5), {("dense/bias", "table/embeddings"): rmsprop(centered=True)})
        ),
        # With a trajectory, too, the others by their rates alone.
        "exponential": scheduled(exponential, "exponential_decay", **decay, staircase=False),
        "exponential_staircase": scheduled(exponential, "exponential_decay", **decay, staircase=True),
        "inverse_time": scheduled(inverse, "inverse_time_decay", **decay, staircase=False),
        "inverse_time_staircase": scheduled(inverse, "inverse_time_decay", **decay, staircase=True),
        "polynomial": scheduled(schedules.PolynomialDecay, "polynomial_decay", **polynomial),
        "polynomial_cycle": scheduled(
            schedules.PolynomialDecay, "polynomial_decay", **polynomial | {"power": 0.5, "cycle": True}
        ),
        "piecewise": scheduled(
            schedules.PiecewiseConstantDecay,
            "piecewise_constant_decay",
            boundaries=[10, 100, 200],
            values=[0.1, 0.01, 0.05, 0.001],
        ),
        "cosine": scheduled(schedules.CosineDecay, "cosine_decay", **cosine),
        "cosine_warmup": scheduled(
            schedules.CosineDecay,
            "cosine_decay",
            **cosine | {"initial_learning_rate": 0.001, "warmup_target": 0.1, "warmup_steps": 30},
        ),
        "restarts": scheduled(schedules.CosineDecayRestarts, "cosine_decay_restarts", **restarts),
        "restarts_equal": scheduled(
            schedules.CosineDecayRestarts, "cosine_decay_restarts", **restarts | {"t_mul": 1.0, "m_mul": 0.5}
        ),
    }


def run(
    optimizer: Optimizer | dict[str, Optimizer],
    start: dict[str, np.ndarray],
    gradients: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """The trajectory of one optimizer, or of one for each parameter."""
    variables = {name: keras.Variable(start[name], name=plain(name)) for name in SHAPES}
    groups: dict[int, tuple[Optimizer, list[str]]] = {}
    for name in SHAPES:
        its = optimizer[name] if isinstance(optimizer, dict) else optimizer
        groups.setdefault(id(its), (its, []))[1].append(name)
    for its, names in groups.values():
        its.build([variables[name] for name in names])

    @tf.function
    def apply(given: dict[str, tf.Tensor]) -> None:
        for its, names in groups.values():
            its.apply([given[name] for name in names], [variables[name] for name in names])

    after: dict[str, list[np.ndarray]] = {}
    for step in range(STEPS):
        apply({name: tf.constant(values[step]) for name, values in gradients.items()})
        for key, variable in watched(variables, [its for its, _ in groups.values()]).items():
            after.setdefault(key, []).append(variable.numpy())
    return {key: np.stack(values) for key, values in after.items()}


def watched(variables: dict[str, Any], optimizers: list[Optimizer]) -> dict[str, Any]:
    """Parameters and slots by the names of their records."""
    found = {f"parameter/{name}": variable for name, variable in variables.items()}
    for slot in [variable for optimizer in optimizers for variable in optimizer.variables]:
        for name in variables:
            if slot.name.startswith(f"{plain(name)}_"):
                found[f"slot/{slot.name.removeprefix(f'{plain(name)}_')}/{name}"] = slot
    return found


def main(folder: Path) -> None:
    """Writes both files."""
    # A graph, or 300 steps of 60 optimizers take minutes; but op by op as Keras wrote it, with no op rewritten.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    random = np.random.default_rng(42)
    start = {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in SHAPES.items()}
    # Steps of very different size, and elements that some steps leave alone.
    scales = np.exp(random.normal(-1, 1, STEPS))
    gradients = {
        name: (random.normal(0, 1, (STEPS, *shape)) * scales.reshape(-1, *[1] * len(shape))).astype(
            np.float32
        )
        for name, shape in SHAPES.items()
    }
    gradients["dense/kernel"][random.random((STEPS, *SHAPES["dense/kernel"])) < 0.3] = 0
    # A batch that looks some rows up several times and others not at all.
    rows, width = SHAPES["table/embeddings"]
    for step in range(STEPS):
        ids, slices = random.integers(0, rows, 9), random.normal(0, scales[step], (9, width))
        dense = tf.math.unsorted_segment_sum(slices.astype(np.float32), ids, rows)
        gradients["table/embeddings"][step] = dense.numpy()
    tensors = {f"start/{name}": values for name, values in start.items()}
    tensors |= {f"gradient/{name}": values for name, values in gradients.items()}
    tensors["iterations"] = np.array(ITERATIONS, np.int64)
    configs = {}
    for name, (config, optimizer) in cases().items():
        configs[name] = config
        schedule = getattr(optimizer, "_learning_rate", None)
        if isinstance(schedule, schedules.LearningRateSchedule):
            tensors[f"{name}/learning_rate"] = np.array(
                [np.float32(schedule(tf.constant(step, tf.int64))) for step in ITERATIONS]
            )
        if name == "exponential" or f"{name}/learning_rate" not in tensors:
            tensors |= {f"{name}/{key}": values for key, values in run(optimizer, start, gradients).items()}
    save_file(tensors, folder / "optimizers.safetensors")
    (folder / "optimizers.json").write_text(json.dumps(configs, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
