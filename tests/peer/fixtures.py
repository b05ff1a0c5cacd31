"""Writes what Keras does with each peer model, for the parity tests of the core.

    python fixtures.py OUTDIR

For each model and optimizer, and for one model whose parameters have two: `<model>-<optimizer>.bundle`, and `<model>-<optimizer>.safetensors` with ten batches
(`batch/<i>/<column>`; a string column as `batch/<i>/<column>/bytes` and `/offsets`, rows + 1 of them), the losses of
Keras' own `train_on_batch` (`loss/<i>`), the predictions before each step (`prediction/<i>/<output>`), the parameters
and state after ten steps (`parameter/<name>`, `state/<name>`), and the gradients of the first step (`gradient/<name>`).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

import keras
import numpy as np
import streamgrad
import tensorflow as tf
from models import PEERS, Peer
from safetensors.numpy import save_file
from streamgrad.weights import parameters_and_others

STEPS = 10
ROWS = 16


def optimizers() -> dict[str, Any]:
    """Fresh optimizers by name."""
    return {
        "sgd": keras.optimizers.SGD(0.05),
        "adagrad": keras.optimizers.Adagrad(0.05),
        "adam": keras.optimizers.Adam(0.001),
    }


def fresh(name: str) -> Any:
    """One of the optimizers, or that of groups."""
    return grouped() if name == "groups" else optimizers()[name]


def grouped() -> Any:
    """A fresh optimizer of the tables and one of all else."""
    tables = keras.optimizers.SGD(0.3, weight_decay=0.01)
    return keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(keras.optimizers.Adagrad(0.05), {".*/embeddings": tables})
    )


def with_dense_gradients(optimizer: Any) -> Any:
    """The optimizer, fed the summed gradient of a table where Keras would hand it one entry per repeated id."""
    apply = optimizer.apply

    def apply_dense(gradients: Any, variables: Any = None) -> Any:
        return apply([tf.convert_to_tensor(gradient) for gradient in gradients], variables)

    optimizer.apply = apply_dense
    return optimizer


def write(folder: Path, name: str, peer: Peer, optimizer_name: str) -> None:
    """One bundle and one file of what Keras did from its start."""
    bundle = folder / f"{name}-{optimizer_name}.bundle"
    model = peer.model
    start = [variable.numpy() for variable in model.variables]
    streamgrad.export(
        model, bundle, loss=peer.loss, optimizer=fresh(optimizer_name), metrics=peer.metrics, label=peer.label,
        overwrite=True, **peer.arguments,
    )  # fmt: skip
    for variable, value in zip(model.variables, start, strict=True):
        assert np.array_equal(variable.numpy(), value), f"export moved {variable.path}"
    manifest = json.loads((bundle / "bundle.json").read_text())
    model.compile(with_dense_gradients(fresh(optimizer_name)), peer.loss, jit_compile=False)
    recorded: dict[str, np.ndarray] = {}
    random = np.random.default_rng(20)
    for i in range(STEPS):
        x, y = peer.rows(random, ROWS)
        for column, values in {**x, manifest["labels"][0]["name"]: y}.items():
            record_column(recorded, f"batch/{i}/{column}", values)
        called = {column: tf.constant(values) for column, values in x.items()}
        called = called if len(called) > 1 else next(iter(called.values()))
        recorded[f"prediction/{i}/{manifest['outputs'][0]['name']}"] = model(called, training=False).numpy()
        if i == 0:
            record_gradients(recorded, model, called, y)
        model.reset_metrics()
        recorded[f"loss/{i}"] = np.float32(model.train_on_batch(called, y))
    for kind, group in zip(("parameter", "state"), parameters_and_others(model), strict=True):
        recorded.update({f"{kind}/{weight.name}": weight.variable.numpy() for weight in group})
    for variable, value in zip(model.variables, start, strict=True):
        variable.assign(value)
    save_file(
        {key: np.asarray(value, order="C") for key, value in recorded.items()},
        folder / f"{bundle.stem}.safetensors",
    )


def record_gradients(recorded: dict[str, np.ndarray], model: Any, x: Any, y: Any) -> None:
    """What the first step's gradients will be; puts back the state that the extra pass moved."""
    state = [(variable, variable.numpy()) for variable in model.non_trainable_variables]
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=x, y=tf.constant(y), y_pred=model(x, training=True))
    parameters, _ = parameters_and_others(model)
    gradients = tape.gradient(loss, [weight.variable for weight in parameters])
    for weight, gradient in zip(parameters, gradients, strict=True):
        recorded[f"gradient/{weight.name}"] = tf.convert_to_tensor(gradient).numpy()
    for variable, value in state:
        variable.assign(value)


def record_column(recorded: dict[str, np.ndarray], name: str, values: np.ndarray) -> None:
    """A column as it is; strings, which safetensors lacks, as bytes and where each begins and ends."""
    if values.dtype != object:
        recorded[name] = values
        return
    joined = b"".join(values)
    recorded[f"{name}/bytes"] = np.frombuffer(joined, dtype=np.uint8)
    recorded[f"{name}/offsets"] = np.cumsum([0, *map(len, values)]).astype(np.int64)


def main(folder: Path) -> None:
    """All models with all optimizers."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, build in PEERS.items():
        for optimizer_name in optimizers():
            write(folder, name, build(), optimizer_name)
            print(f"{name}-{optimizer_name}", flush=True)
    write(folder, "wide_deep", PEERS["wide_deep"](), "groups")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python fixtures.py OUTDIR")
    main(Path(sys.argv[1]))
