"""Writes what TensorFlow, Keras and numpy make of ids and rows, for the tests of `src/table`.

    python tables.py OUTDIR

`OUTDIR/tables.safetensors` holds

- strings of all lengths (`strings/bytes`, `strings/offsets`), the `Fingerprint64` of each (`fingerprint`, from `tf.fingerprint`) and its bucket
  of 2^63 - 1 (`bucket`, from `tf.strings.to_hash_bucket_fast`);
- first rows of `ids` in the initializers of `tables.json` (`first/<name>`);
- for each optimizer a dense Keras embedding (`<optimizer>/start`, `/end`, and `/middle` after half of the steps), taught by the ids and gradients of each step
  (`step/ids`, `step/gradient`), repeated ids summed.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

import keras
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file
from streamgrad.first_values import first_values
from streamgrad.optimizers import describe

SEED = 0x1234_5678_9ABC_DEF0
DIM = 7
INITIALIZERS = {
    "constant": {"kind": "constant", "value": 0.25},
    "uniform": {"kind": "uniform", "low": -0.05, "high": 0.05},
    "wide": {"kind": "uniform", "low": -3.7, "high": 11.3},
    "normal": {"kind": "normal", "mean": 0.1, "deviation": 0.05},
    "truncated": {"kind": "truncated_normal", "mean": 0.0, "deviation": 1.0},
}
STEPS, IDS, BATCH, WIDTH = 300, 50, 32, 8


def strings(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Strings with their hashes."""
    lengths = [*range(0, 300), 512, 1000, 1024, 4096]
    values = [random.bytes(length) for length in lengths] + ["Zürich".encode(), b"a" * 128, b"\0" * 64]
    hashes = tf.fingerprint(tf.constant(values), "farmhash64").numpy()
    return {
        "strings/bytes": np.frombuffer(b"".join(values), dtype=np.uint8),
        "strings/offsets": np.cumsum([0, *map(len, values)]).astype(np.int64),
        "fingerprint": hashes.reshape(-1, 8).copy().view(np.uint64).ravel(),
        "bucket": tf.strings.to_hash_bucket_fast(values, 2**63 - 1).numpy(),
    }


def training(random: np.random.Generator, configs: dict[str, object]) -> dict[str, np.ndarray]:
    """Dense embeddings that Keras teaches."""
    # A power law, so that a batch repeats ids and some ids come seldom.
    ids = (IDS * random.random((STEPS, BATCH)) ** 3).astype(np.uint64)
    gradients = random.normal(0, 0.1, (STEPS, BATCH, WIDTH)).astype(np.float32)
    recorded = {"step/ids": ids, "step/gradient": gradients}
    start = random.normal(0, 0.1, (IDS, WIDTH)).astype(np.float32)
    optimizers = {
        "sgd": keras.optimizers.SGD(0.05),
        "adagrad": keras.optimizers.Adagrad(0.05),
        "adagrad_clipped": keras.optimizers.Adagrad(0.05, clipvalue=0.08),
    }
    for name, optimizer in optimizers.items():
        variable = keras.Variable(start, name=name)
        configs[name] = describe(optimizer, {name: variable})
        optimizer.build([variable])
        for step in range(STEPS):
            dense = np.zeros((IDS, WIDTH), dtype=np.float32)
            np.add.at(dense, ids[step].astype(np.int64), gradients[step])
            optimizer.apply([tf.constant(dense)], [variable])
            if step == STEPS // 2 - 1:
                recorded[f"{name}/middle"] = variable.numpy()
        recorded[f"{name}/start"], recorded[f"{name}/end"] = start, variable.numpy()
    return recorded


def main(folder: Path) -> None:
    """All of it."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(11)
    ids = np.concatenate([
        np.arange(20, dtype=np.uint64), np.array([2**32, 2**63, 2**64 - 1], dtype=np.uint64),
        random.integers(0, 2**64, 3000, dtype=np.uint64),
    ])  # fmt: skip
    recorded = {"ids": ids, **strings(random)}
    for name, initializer in INITIALIZERS.items():
        recorded[f"first/{name}"] = np.ascontiguousarray(first_values(initializer, SEED, ids, DIM))
    configs: dict[str, object] = {}
    recorded.update(training(random, configs))
    save_file(recorded, folder / "tables.safetensors")
    described = {"seed": SEED, "dim": DIM, "initializers": INITIALIZERS, "optimizers": configs}
    (folder / "tables.json").write_text(json.dumps(described))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
