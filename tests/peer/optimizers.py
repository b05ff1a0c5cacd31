"""Writes what Keras' optimizers do with fed gradients, for the parity tests of `src/optimizer`.

    python optimizers.py OUTDIR

`OUTDIR/optimizers.json` holds the optimizer of each case as the bundle format has it. `OUTDIR/optimizers.safetensors`
holds the parameters at the start (`start/<parameter>`), the gradients of every step (`gradient/<parameter>`, steps
first) and for each case the parameters after every step (`<case>/parameter/<parameter>`, steps first) and the slots
after the last (`<case>/slot/<slot>/<parameter>`).
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
SHAPES = {"dense/kernel": (13, 7), "dense/bias": (7,)}
ITERATIONS = [*range(STEPS), 1_000, 9_999, 123_456, 16_777_217, 2_000_000_000]
schedules = keras.optimizers.schedules

Case = tuple[dict[str, Any], keras.optimizers.Optimizer]


def common(**given: Any) -> dict[str, Any]:
    """The fields that every optimizer has."""
    absent = dict.fromkeys(["weight_decay", "clipnorm", "global_clipnorm", "clipvalue"])
    return {**absent, "weight_decay_excluded": [], **given}


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
    return {"rule": "adagrad", "learning_rate": rate, **own, **common(**given)}, keras.optimizers.Adagrad(
        rate, **own, **given
    )


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
    return {"rule": "adam", "learning_rate": rate, **own, **common(**given)}, kind(rate, **own, **given)


def scheduled(kind: type, name: str, **fields: Any) -> Case:
    """Descent at a scheduled rate."""
    return sgd()[0] | {"learning_rate": {"schedule": name, **fields}}, keras.optimizers.SGD(kind(**fields))


def excluding(case: Case) -> Case:
    """The case, its biases left alone by decay."""
    config, optimizer = case
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return config | {"weight_decay_excluded": ["dense/bias"]}, optimizer


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
    optimizer: keras.optimizers.Optimizer, start: dict[str, np.ndarray], gradients: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The trajectory of one optimizer."""
    variables = [keras.Variable(start[name], name=name.split("/")[-1]) for name in SHAPES]
    after = {name: np.empty((STEPS, *shape), np.float32) for name, shape in SHAPES.items()}
    for step in range(STEPS):
        optimizer.apply([tf.constant(gradients[name][step]) for name in SHAPES], variables)
        for name, variable in zip(SHAPES, variables, strict=True):
            after[name][step] = variable.numpy()
    tensors = {f"parameter/{name}": values for name, values in after.items()}
    for slot in optimizer.variables:
        for name, variable in zip(SHAPES, variables, strict=True):
            if slot.name.startswith(f"{variable.name}_"):
                tensors[f"slot/{slot.name.removeprefix(f'{variable.name}_')}/{name}"] = slot.numpy()
    return tensors


def main(folder: Path) -> None:
    """Writes both files."""
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
    tensors = {f"start/{name}": values for name, values in start.items()}
    tensors |= {f"gradient/{name}": values for name, values in gradients.items()}
    tensors["iterations"] = np.array(ITERATIONS, np.int64)
    configs = {}
    for name, (config, optimizer) in cases().items():
        configs[name] = config
        schedule = optimizer._learning_rate
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
