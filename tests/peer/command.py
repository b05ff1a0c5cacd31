"""Writes what the session of docs/command.md works on: flights of January and February, and a model of four of their numbers.

python command.py OUTDIR
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "flights"))

import keras
import pandas as pd
import prepare
import streamgrad

LATE = 15  # minutes
THINNED = 3  # every third flight of a month is enough


def flights() -> pd.DataFrame:
    """The flights that landed, in the order of their scheduled departure; what no table knows is NA."""
    tables = prepare.load()
    wind = tables["weather"][["origin", "time_hour", "wind_speed"]].rename(columns={"wind_speed": "wind"})
    seats = tables["planes"][["tailnum", "seats"]]
    found = (
        tables["flights"]
        .merge(wind, on=["origin", "time_hour"], how="left")
        .merge(seats, on="tailnum", how="left")
    )
    found = found[found["arr_delay"].notna()].sort_values(
        ["month", "day", "hour", "minute", "carrier", "flight", "origin"], kind="stable"
    )
    found["late"] = (found["arr_delay"] >= LATE).astype(int)
    found["seats"] = found["seats"].astype("Int64")
    found["wind"] = found["wind"].round(1)
    return found[["month", "day", "carrier", "origin", "dest", "hour", "distance", "seats", "wind", "late"]]


def main(folder: Path) -> None:
    """Writes `command/` in the folder, the same each time."""
    folder = folder / "command"
    folder.mkdir(parents=True, exist_ok=True)
    found = flights()
    for name, month in (("january", 1), ("february", 2)):
        found[found["month"] == month][::THINNED].to_csv(folder / f"{name}.csv", index=False, na_rep="NA")
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((4,), name="numbers"),
            keras.layers.Normalization(
                mean=[13.0, 1050.0, 140.0, 11.0], variance=[22.0, 540000.0, 5000.0, 30.0]
            ),
            keras.layers.Dense(32, "relu"),
            keras.layers.Dense(1, "sigmoid", name="probability"),
        ],
        name="flights",
    )
    streamgrad.export(
        model,
        folder / "flights.bundle",
        loss="binary_crossentropy",
        optimizer=keras.optimizers.Adagrad(0.05, initial_accumulator_value=0.001),
        metrics=["auc"],
        features={"numbers": ["hour", "distance", "seats", "wind"]},
        label="late",
        overwrite=True,
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python command.py OUTDIR")
    main(Path(sys.argv[1]))
