"""Draws how the demo's models learned, and what each gains over the one without, from predictions.csv and summary.json.

python examples/flights/plot.py target/demo
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

WINDOW = 8000  # flights, a little more than a week
STEP = 2000
COLOURS = ("#8a8a8a", "#2a9d8f", "#1a6fb0")  # of the models, the last is the demo's own
RATE = "#b0491a"


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


def read(folder: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What each model predicted at departure, by its name and the demo's own last, and what came true."""
    columns = np.genfromtxt(folder / "predictions.csv", delimiter=",", names=True)
    *others, last = json.loads((folder / "summary.json").read_text())["models"]
    return {name: columns[name] for name in others} | {last: columns["prediction"]}, columns["label"]


def main(folder: Path) -> None:
    """Writes learning-curve.png into the folder of the results."""
    summary = json.loads((folder / "summary.json").read_text())
    predictions, label = read(folder)
    colours = dict(zip(predictions, COLOURS[-len(predictions) :], strict=True))
    names = list(predictions)
    seen = np.arange(1, len(label) + 1)
    # The rate of all landings before: the job's own base rate knows a few landings less, those of the flight's hours in the air.
    rate = (np.cumsum(label) - label + 1) / (seen + 1)
    ends = np.arange(WINDOW, len(label) + 1, STEP)
    in_window = [slice(end - WINDOW, end) for end in ends]

    figure, (top, middle, bottom) = plt.subplots(
        3, 1, figsize=(10, 10), sharex=True, layout="constrained", height_ratios=(3, 2, 3)
    )
    recent = {}
    for name, prediction in predictions.items():
        recent[name] = np.array([auc(prediction[part], label[part]) for part in in_window])
        weeks = range(WINDOW, len(label) + 1, WINDOW)
        so_far = [auc(prediction[:end], label[:end]) for end in weeks]
        top.plot(weeks, so_far, color=colours[name], lw=2.5, label=f"{name}, since January")
    top.plot(
        ends, recent[names[-1]], color=colours[names[-1]], alpha=0.4, label=f"{names[-1]}, last {WINDOW:,}"
    )
    top.axhline(0.5, color=RATE, lw=1.5, ls="--", label="base rate")
    top.set_ylabel("AUC")
    top.legend(loc="lower right", bbox_to_anchor=(1, 0.06), ncols=2, frameon=False)

    for without, name in pairwise(names):
        gain = recent[name] - recent[without]
        middle.plot(ends, gain, color=colours[name], lw=2, label=f"{name} over {without}")
    middle.axhline(0, color="0.6", lw=1)
    middle.set_ylabel(f"gain in AUC, last {WINDOW:,}")
    middle.margins(y=0.15)
    middle.legend(loc="upper left", ncols=2, frameon=False)

    base = logloss(rate, label)
    bottom.plot(
        ends,
        [base[part].mean() for part in in_window],
        color=RATE,
        lw=1.5,
        ls="--",
        label="running base rate",
    )
    for name, prediction in predictions.items():
        loss = logloss(prediction, label)
        bottom.plot(ends, [loss[part].mean() for part in in_window], color=colours[name], lw=1.5, label=name)
    bottom.set_ylabel(f"logloss, last {WINDOW:,} flights")
    bottom.legend(loc="lower left", ncols=2, frameon=False)

    months = np.cumsum([0] + [month["scored"] for month in summary["months"]])
    bottom.set_xticks(months, minor=True)
    bottom.set_xticks(
        (months[:-1] + months[1:]) / 2, ["J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D"]
    )
    bottom.set_xlim(0, months[-1])
    bottom.set_xlabel("flights of 2013, in the order of their landings")
    for axes in (top, middle, bottom):
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
