"""Writes the ancestor's nine models, and what TensorFlow makes of each: `python tests/peer/ancestor.py OUTDIR`.

In `OUTDIR/ancestor`: `<name>.json` and `<name>.pb`, and `<name>.safetensors` with the batches (`x`, `y`, `[steps, rows, ...]`), the
loss of each step (`loss`) of plain SGD on the same graph in a session, the variables before and after (`before/<variable>`,
`after/<variable>`), the `logits` of the last batch afterwards, and the rows that are right then (`accuracy`). `records.bin` and `server.bin` hold the
variables of `mlp` afterwards as the ancestor and its server save them. `fixed.json` is `mlp` in a graph that holds 32 rows; `bare.json` describes `mlp` without gradients,
`sparse.json` a loss whose gradient only Python has.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))

import dataclasses

import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file
from streamgrad import ancestor
from streamgrad.ancestor.models import FIELDS, IDS

STEPS = 50
ROWS = 32


def rows(model: ancestor.AncestorModel, random: np.random.Generator, count: int) -> tuple[Any, Any]:
    """Rows with something to learn: which half the ids are of, a plane, the brightest quarter."""
    if model.reads_ids:
        x = random.integers(0, IDS, (count, FIELDS))
        return x.astype("float32"), ((x < IDS / 2).sum(1, keepdims=True) > FIELDS / 2).astype("float32")
    x = random.normal(size=(count, *model.input_row)).astype("float32")
    classes = model.output_row[0]
    if len(model.input_row) == 3:
        chosen = random.integers(0, 4, count)
        half = model.input_row[0] // 2
        for image, quarter in zip(x, chosen, strict=True):
            top, left = half * (quarter // 2), half * (quarter % 2)
            image[top : top + half, left : left + half] += 1.5
        return x, np.eye(classes, dtype="float32")[chosen]
    if classes == 1:
        return x, (x[:, :3].sum(1, keepdims=True) > 0).astype("float32")
    return x, np.eye(classes, dtype="float32")[np.argmax(x[:, :classes], 1)]


def train(path: Path, model: ancestor.AncestorModel) -> dict[str, np.ndarray]:
    """Plain SGD in a session, by the gradients that the graph has."""
    described = json.loads(path.read_text())["other"]
    random = np.random.default_rng(9)
    batches = [rows(model, random, ROWS) for _ in range(STEPS)]
    recorded = {"x": np.stack([x for x, _ in batches]), "y": np.stack([y for _, y in batches])}
    names = described["dense"]
    losses = []
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.import_graph_def(tf.compat.v1.GraphDef.FromString(path.with_suffix(".pb").read_bytes()), name="")
        session.run("ws_init")
        values = session.run({name: f"{name}:0" for name in names})
        recorded |= {f"before/{name}": value for name, value in values.items()}
        rate = np.float32(described["learning_rate"])
        ends = {name: f"{gradient}:0" for name, gradient in zip(names, described["gradient"], strict=True)}
        for x, y in batches:
            # By feeding, as a variable keeps what is fed only for the run.
            feed = {"input_x:0": x, "input_y:0": y, **{f"{name}:0": value for name, value in values.items()}}
            loss, gradients = session.run(["loss:0", ends], feed)
            losses.append(loss)
            values = {name: value - rate * gradients[name] for name, value in values.items()}
        feed |= {f"{name}:0": value for name, value in values.items()}
        recorded["logits"], accuracy = session.run(["logits:0", "accuracy:0"], feed)
    recorded |= {f"after/{name}": value for name, value in values.items()}
    recorded["loss"], recorded["accuracy"] = np.array(losses, "float32"), np.array(accuracy, "float32")
    assert np.mean(losses[-5:]) < 0.95 * np.mean(losses[:5]), f"{model.name} does not learn: {losses}"
    return recorded


def save_as_the_ancestor(folder: Path, names: list[str], recorded: dict[str, np.ndarray]) -> None:
    """Both of its files: by name, and by the number of the variable."""
    values = [recorded[f"after/{name}"].astype("<f4") for name in names]
    named = (
        struct.pack("<Q", len(name)) + name.encode() + struct.pack("<Q", value.size) + value.tobytes()
        for name, value in zip(names, values, strict=True)
    )
    (folder / "records.bin").write_bytes(b"".join(named))
    keyed = (struct.pack("<QQ", key, value.size) + value.tobytes() for key, value in enumerate(values))
    (folder / "server.bin").write_bytes(b"".join(keyed))


def describe_bare(folder: Path, name: str, loss: Any) -> None:
    """A graph of a loss and no gradients, and the short JSON that describes it."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        v1.set_random_seed(3)
        x = v1.placeholder(tf.float32, (None, 13), "numbers")
        y = v1.placeholder(
            tf.int64 if name == "sparse" else tf.float32, (None,) if name == "sparse" else (None, 3), "kind"
        )
        w = v1.get_variable(
            "w", (13, 3), initializer=v1.truncated_normal_initializer(stddev=0.1), use_resource=False
        )
        b = v1.get_variable("b", (3,), initializer=v1.zeros_initializer(), use_resource=False)
        logits = tf.identity(tf.matmul(x, w) + b, "logits")
        tf.identity(loss(y, logits), "loss")
        v1.variables_initializer([w, b], name="init")
        (folder / f"{name}.pb").write_bytes(graph.as_graph_def().SerializeToString(deterministic=True))
    fields = [f"n{i}" for i in range(13)]
    (folder / f"{name}.json").write_text(
        json.dumps(
            {
                "graph": f"{name}.pb",
                "features": [{"tensor": "numbers", "fields": fields}],
                "labels": [{"tensor": "kind"}],
                "outputs": ["logits"],
                "loss": "loss",
                "parameters": ["w", "b"],
                "initializer": "init",
                "optimizer": {"rule": "sgd", "learning_rate": 0.2},
            },
            indent=1,
        )
    )


def bare(folder: Path) -> None:
    """The one whose gradients the C API has, with the losses of SGD by Python's gradients; and one that it lacks."""
    v1 = tf.compat.v1
    describe_bare(
        folder, "bare", lambda y, logits: tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, logits))
    )
    describe_bare(
        folder,
        "sparse",
        lambda y, logits: tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)),
    )
    random = np.random.default_rng(4)
    model = ancestor.MODELS["mlp"]
    batches = [rows(model, random, ROWS) for _ in range(STEPS)]
    losses = []
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        tf.import_graph_def(v1.GraphDef.FromString((folder / "bare.pb").read_bytes()), name="")
        loss, w, b = (graph.get_tensor_by_name(name) for name in ("loss:0", "w:0", "b:0"))
        gradients = tf.gradients(loss, [w, b])
        session.run("init")
        values = session.run(["w:0", "b:0"])
        for x, y in batches:
            feed = {"numbers:0": x, "kind:0": y, "w:0": values[0], "b:0": values[1]}
            value, moved = session.run([loss, gradients], feed)
            losses.append(value)
            values = [
                value - np.float32(0.2) * gradient for value, gradient in zip(values, moved, strict=True)
            ]
    recorded = {"x": np.stack([x for x, _ in batches]), "y": np.stack([y for _, y in batches])}
    save_file({**recorded, "loss": np.array(losses, "float32")}, folder / "bare.safetensors")


def main(folder: Path) -> None:
    """All of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in ancestor.MODELS.items():
        path = ancestor.write(folder, model)
        recorded = train(path, model)
        save_file(
            {key: np.asarray(value, order="C") for key, value in recorded.items()},
            folder / f"{name}.safetensors",
        )
        if name == "mlp":
            save_as_the_ancestor(folder, json.loads(path.read_text())["other"]["dense"], recorded)
        print(name, recorded["loss"][0], recorded["loss"][-1], recorded["accuracy"], flush=True)
    ancestor.write(folder, dataclasses.replace(ancestor.MODELS["mlp"], name="fixed"), batch_size=ROWS)
    bare(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "ancestor")
