"""Checks what the demo reached, from its predictions.csv alone: neither the job's own figures nor its code play a part.

python tests/demo_goals.py target/demo
"""

import sys
from pathlib import Path

import numpy as np

# By column of predictions.csv: least AUC, most logloss.
GOALS = {"numbers": (0.734, 0.489), "tables": (0.743, 0.483), "prediction": (0.750, 0.477)}
MOST_AUC = 0.765


def auc(prediction: np.ndarray, label: np.ndarray) -> float:
    """By Mann and Whitney: the places of the late flights when all are sorted, the mean place where predictions tie."""
    ordered = np.sort(prediction)
    places = (
        np.searchsorted(ordered, prediction, "left") + np.searchsorted(ordered, prediction, "right") + 1
    ) / 2
    positives = int(label.sum())
    below = places[label == 1].sum() - positives * (positives + 1) / 2
    return below / (positives * (len(label) - positives))


def main(folder: Path) -> None:
    """Ends with 1 and the reasons if a goal is missed."""
    columns = np.genfromtxt(folder / "predictions.csv", delimiter=",", names=True)
    row, label = columns["row"], columns["label"]

    failures = []
    if len(np.unique(row)) != 327_346 or len(row) != 327_346 or row.min() < 0 or row.max() > 336_775:
        failures.append(f"327,346 flights landed, not {len(row):,}")
    if label.sum() != round(0.24469521546 * 327_346):
        failures.append(f"{label.sum():,.0f} labels are not those of the year")
    reached = []
    for name, (least_auc, most_logloss) in GOALS.items():
        area = auc(columns[name], label)
        held = np.clip(columns[name], 1e-7, 1 - 1e-7)
        logloss = -(label * np.log(held) + (1 - label) * np.log1p(-held)).mean()
        reached.append(f"{name} AUC {area:.4f}, logloss {logloss:.4f}")
        if not area >= least_auc:
            failures.append(f"{name}: AUC {area:.4f} is less than {least_auc}")
        if area > MOST_AUC:
            failures.append(f"{name}: AUC {area:.4f} is more than {MOST_AUC}, something leaks")
        if not logloss <= most_logloss:
            failures.append(f"{name}: logloss {logloss:.4f} is more than {most_logloss}")
    if failures:
        sys.exit("demo: " + "; ".join(failures))
    print("demo: " + "; ".join(reached))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
