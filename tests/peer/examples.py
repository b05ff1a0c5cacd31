"""Writes what Keras does with the nine models of `examples/models`: `python tests/peer/examples.py OUTDIR`.

As `fixtures.py`, into `OUTDIR/examples`, with more steps: after them the models must be right.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples" / "models"))

import fixtures
import keras
from data import loss, rows
from models import Peer
from zoo import MODELS

STEPS = 300


def main(folder: Path) -> None:
    """All nine."""
    fixtures.STEPS = STEPS
    folder.mkdir(parents=True, exist_ok=True)
    for build in MODELS:
        keras.utils.set_random_seed(9)
        model = build()

        def made(random, count, model=model):
            return rows(model, random, count)

        fixtures.write(folder, model.name, Peer(model, loss(model), made, ["accuracy"]), "adagrad")
        print(model.name, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "examples")
