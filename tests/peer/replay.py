"""Replays what `fixtures.py` and `embedding.py` recorded, with the bundles and whichever TensorFlow runs this.

    python replay.py DIR

Needs TensorFlow, NumPy and safetensors, and nothing of Streamgrad or Keras: so it also shows that an older TensorFlow
reads the graphs. Fails if a loss, a prediction, a first gradient, or with SGD and Adagrad a parameter, a table's
row or state after the last step is further than 1e-6 from Keras' own.
"""

from __future__ import annotations

import json
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

ALLOWED = 1e-6
Values = dict[str, np.ndarray]
Config = dict[str, Any]


class Bundle:
    """A bundle, its session and its weights; tables are weights with a row for each id that they begin with."""

    def __init__(self, folder: Path) -> None:
        self.manifest: dict[str, Any] = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
        self.weights: Values = load_file(folder / "initial.safetensors")
        self.tables: list[Config] = self.manifest.get("tables", [])
        trained = load_file(folder / "tables.safetensors") if self.tables else {}
        self.ids = {table["name"]: trained[f"{table['name']}/ids"] for table in self.tables}
        self.weights.update({name: trained[f"{name}/rows"] for name in self.ids})
        graph = tf.Graph()
        with graph.as_default():
            graph_def = tf.compat.v1.GraphDef.FromString((folder / "graph.pb").read_bytes())
            tf.import_graph_def(graph_def, name="")
        self.session = tf.compat.v1.Session(graph=graph)

    def train(self, batch: Values) -> dict[str, Any]:
        """Loss, outputs, gradients and next state of one training run."""
        manifest = self.manifest
        fetches = {
            "loss": manifest["loss"]["train"],
            "outputs": {entry["name"]: entry["train"] for entry in manifest["outputs"]},
            "gradients": {entry["name"]: entry["gradient"] for entry in manifest["parameters"]},
            "state": {entry["name"]: entry["next"] for entry in manifest["state"]},
        }
        for table in self.tables:
            fetches["gradients"][table["name"]] = table["gradient"]
        result = self._run(fetches, batch)
        for name, (distinct, _) in self._distinct(batch).items():
            rows = np.zeros_like(self.weights[name])
            rows[distinct] = result["gradients"][name]
            result["gradients"][name] = rows
        return result

    def predict(self, batch: Values) -> Values:
        """The outputs in inference; the batch needs no labels."""
        return self._run({entry["name"]: entry["predict"] for entry in self.manifest["outputs"]}, batch)

    def evaluate(self, batch: Values) -> np.ndarray:
        """The loss in inference."""
        return self._run(self.manifest["loss"]["evaluate"], batch)

    def columns(self) -> list[dict[str, Any]]:
        """Features, labels and weight."""
        return [
            entry
            for entry in (*self.manifest["features"], *self.manifest["labels"], self.manifest["weight"])
            if entry
        ]

    def _run(self, fetches: Any, batch: Values) -> Any:
        fed = [entry for part in ("parameters", "state", "frozen") for entry in self.manifest[part]]
        feed = {entry["tensor"]: self.weights[entry["name"]] for entry in fed}
        feed.update(
            {entry["tensor"]: batch[entry["name"]] for entry in self.columns() if entry["name"] in batch}
        )
        feed.update(
            {entry["lengths"]: batch[f"{entry['name']}/lengths"] for entry in self.columns() if "lengths" in entry}
        )
        distinct = self._distinct(batch)
        for table in self.tables:
            rows, places = distinct[table["name"]]
            feed[table["rows"]] = self.weights[table["name"]][rows]
            feed.update({one["index"]: places[one["name"]] for one in table["features"]})
        return self.session.run(fetches, feed)

    def _distinct(self, batch: Values) -> dict[str, tuple[np.ndarray, Values]]:
        """By table the rows that a batch needs, and by feature the place of each of its ids among them."""
        found = {}
        for table in self.tables:
            known = {id_: row for row, id_ in enumerate(self.ids[table["name"]].tolist())}
            names = [one["name"] for one in table["features"]]
            rows = {
                name: np.array([known[id_] for id_ in batch[name].astype(np.uint64).ravel().tolist()], np.int64)
                for name in names
            }
            distinct, places = np.unique(np.concatenate(list(rows.values())), return_inverse=True)
            parts = np.split(places.astype(np.int32), np.cumsum([rows[name].size for name in names])[:-1])
            found[table["name"]] = distinct, {
                name: part.reshape(batch[name].shape) for name, part in zip(names, parts, strict=True)
            }
        return found


class Optimizer:
    """The three rules of the fixtures, in float32 and in Keras' order, for all parameters or groups of them."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.default = config
        self.groups = {name: group for group in config.get("groups", []) for name in group["parameters"]}
        self.slots: dict[str, Values] = {}
        self.steps = 0

    def apply(self, weights: Values, gradients: Values) -> None:
        """Moves the weights by one step."""
        self.steps += 1
        for name, gradient in gradients.items():
            config = self.groups.get(name, self.default)
            rate = np.float32(config["learning_rate"])
            if config["weight_decay"] is not None and name not in config["weight_decay_excluded"]:
                weights[name] = weights[name] - weights[name] * np.float32(config["weight_decay"]) * rate
            weights[name] = getattr(self, config["rule"])(name, weights[name], gradient, config)

    def sgd(self, name: str, weight: np.ndarray, gradient: np.ndarray, config: Config) -> np.ndarray:
        """`w - lr g`, without momentum."""
        assert config["momentum"] == 0, "the fixtures have plain SGD only"
        return weight - np.float32(config["learning_rate"]) * gradient

    def adagrad(self, name: str, weight: np.ndarray, gradient: np.ndarray, config: Config) -> np.ndarray:
        """`a += g g; w -= lr g / sqrt(a + eps)`."""
        initial = np.float32(config["initial_accumulator_value"])
        slot = self.slots.setdefault(name, {"a": np.full_like(weight, initial)})
        slot["a"] = slot["a"] + gradient * gradient
        root = np.sqrt(slot["a"] + np.float32(config["epsilon"]))
        return weight - np.float32(config["learning_rate"]) * gradient / root

    def adam(self, name: str, weight: np.ndarray, gradient: np.ndarray, config: Config) -> np.ndarray:
        """Adam without amsgrad."""
        one, two = config["beta_1"], config["beta_2"]
        slot = self.slots.setdefault(name, {"m": np.zeros_like(weight), "v": np.zeros_like(weight)})
        t = np.float32(self.steps)
        rate = (
            np.float32(config["learning_rate"])
            * np.sqrt(1 - np.float32(two) ** t)
            / (1 - np.float32(one) ** t)
        )
        slot["m"] = slot["m"] + (gradient - slot["m"]) * np.float32(1 - one)
        slot["v"] = slot["v"] + (gradient * gradient - slot["v"]) * np.float32(1 - two)
        return weight - slot["m"] * rate / (np.sqrt(slot["v"]) + np.float32(config["epsilon"]))


def recorded_batch(recorded: Values, bundle: Bundle, i: int) -> Values:
    """The i-th batch, with strings put together again."""
    batch = {}
    for entry in bundle.columns():
        name = f"batch/{i}/{entry['name']}"
        if name in recorded:
            batch[entry["name"]] = recorded[name]
            if "lengths" in entry:
                batch[f"{entry['name']}/lengths"] = recorded[f"{name}/lengths"]
        else:
            joined, offsets = recorded[f"{name}/bytes"].tobytes(), recorded[f"{name}/offsets"]
            batch[entry["name"]] = np.array(
                [joined[start:end] for start, end in pairwise(offsets)], dtype=object
            )
    return batch


def replay(folder: Path, name: str) -> dict[str, float]:
    """The largest difference to Keras, by what was compared."""
    bundle, recorded = Bundle(folder / f"{name}.bundle"), load_file(folder / f"{name}.safetensors")
    optimizer = Optimizer(bundle.manifest["optimizer"])
    worst: dict[str, float] = {}

    def compare(what: str, ours: Values, prefix: str) -> None:
        for key, value in ours.items():
            difference = float(
                np.max(np.abs(np.asarray(value, np.float64) - recorded[f"{prefix}/{key}"]), initial=0)
            )
            worst[what] = max(worst.get(what, 0.0), difference)

    steps = sum(key.startswith("loss/") for key in recorded)
    for i in range(steps):
        batch = recorded_batch(recorded, bundle, i)
        compare("prediction", bundle.predict(batch), f"prediction/{i}")
        result = bundle.train(batch)
        compare("loss", {str(i): result["loss"]}, "loss")
        compare("prediction in training", result["outputs"], f"prediction/{i}")
        if i == 0:
            # That of tables shows in their rows alone.
            compare("gradient", {one["name"]: result["gradients"][one["name"]] for one in bundle.manifest["parameters"]}, "gradient")
        optimizer.apply(bundle.weights, result["gradients"])
        bundle.weights.update(result["state"])
    if optimizer.default["rule"] != "adam":
        # Adam shows the noise of a gradient that is truly zero, such as that of a bias before BatchNorm.
        compare(
            "parameter",
            {one["name"]: bundle.weights[one["name"]] for one in bundle.manifest["parameters"]},
            "parameter",
        )
        for name, ids in bundle.ids.items():
            assert np.array_equal(ids, recorded[f"table/{name}/ids"])
            compare("table", {"rows": bundle.weights[name]}, f"table/{name}")
        compare(
            "state", {one["name"]: bundle.weights[one["name"]] for one in bundle.manifest["state"]}, "state"
        )
    return worst


def main(folder: Path) -> None:
    """Every fixture of the folder."""
    print(f"TensorFlow {tf.__version__}")
    failed = False
    for path in sorted(folder.glob("*-*.safetensors")):
        worst = replay(folder, path.stem)
        failed |= any(not difference <= ALLOWED for difference in worst.values())
        print(
            path.stem, " ".join(f"{what} {difference:.2g}" for what, difference in worst.items()), flush=True
        )
    if failed:
        sys.exit(f"differs from Keras by more than {ALLOWED}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python replay.py DIR")
    main(Path(sys.argv[1]))
