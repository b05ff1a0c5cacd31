"""Draws how the demo learned, from its predictions.csv and summary.json.

python examples/flights/plot.py target/demo
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

WINDOW = 8000  # flights, a little more than a week
STEP = 2000
MODEL, PAST, RATE = "#1a6fb0", "#9bbfdc", "#b0491a"


def auc(prediction: np.ndarray, label: np.ndarray) -> float:
    """The share of pairs, one late and one not, in the right order; a tie counts half. NaN without a pair."""
    _, inverse, counts = np.unique(prediction, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2
    positives = label.sum()
    pairs = positives * (len(label) - positives)
    return (
        float((rank[inverse][label == 1].sum() - positives * (positives + 1) / 2) / pairs)
        if pairs
        else float("nan")
    )


def logloss(prediction: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Of each flight."""
    held = np.clip(prediction, 1e-7, 1 - 1e-7)
    return -np.where(label == 1, np.log(held), np.log1p(-held))


def main(folder: Path) -> None:
    """Writes learning-curve.png into the folder of the results."""
    summary = json.loads((folder / "summary.json").read_text())
    _, prediction, label = np.loadtxt(folder / "predictions.csv", delimiter=",", skiprows=1, unpack=True)
    seen = np.arange(1, len(label) + 1)
    # The rate of all landings before: the job's own base rate knows a few landings less, those of the flight's hours in the air.
    rate = (np.cumsum(label) - label + 1) / (seen + 1)
    ends = np.arange(WINDOW, len(label) + 1, STEP)
    in_window = [slice(end - WINDOW, end) for end in ends]

    figure, (top, bottom) = plt.subplots(2, 1, figsize=(10, 7), sharex=True, layout="constrained")
    top.plot(
        ends,
        [auc(prediction[part], label[part]) for part in in_window],
        color=PAST,
        label=f"last {WINDOW:,} flights",
    )
    top.plot(
        ends, [auc(prediction[:end], label[:end]) for end in ends], color=MODEL, lw=2.5, label="since January"
    )
    top.axhline(0.5, color=RATE, lw=1.5, ls="--", label="base rate")
    top.set_ylabel("AUC")
    top.legend(loc="upper left", ncols=3, frameon=False)

    model, base = logloss(prediction, label), logloss(rate, label)
    bottom.plot(
        ends,
        [base[part].mean() for part in in_window],
        color=RATE,
        lw=1.5,
        ls="--",
        label="running base rate",
    )
    bottom.plot(ends, [model[part].mean() for part in in_window], color=MODEL, lw=2, label="model")
    bottom.set_ylabel(f"logloss, last {WINDOW:,} flights")
    bottom.legend(loc="lower left", ncols=2, frameon=False)

    months = np.cumsum([0] + [month["scored"] for month in summary["months"]])
    bottom.set_xticks(months, minor=True)
    bottom.set_xticks(
        (months[:-1] + months[1:]) / 2, ["J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D"]
    )
    bottom.set_xlim(0, months[-1])
    bottom.set_xlabel("flights of 2013, in the order of their landings")
    for axes in (top, bottom):
        axes.tick_params(which="major", axis="x", length=0)
        axes.grid(axis="x", which="minor", color="0.9")
        axes.grid(axis="y", color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        f"Will it be late? {summary['scored']:,} flights, each predicted at its scheduled departure, learned when it landed\n"
        f"AUC {summary['auc']:.3f}, logloss {summary['logloss']:.3f} (base rate {summary['base_rate_logloss']:.3f})"
    )
    figure.savefig(folder / "learning-curve.png", dpi=120)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
