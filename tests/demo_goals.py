"""Checks what the demo reached, from its predictions.csv alone: neither the job's own figures nor its code play a part.

python tests/demo_goals.py target/demo
"""

import sys
from pathlib import Path

import numpy as np

LEAST_AUC, MOST_AUC, MOST_LOGLOSS = 0.734, 0.765, 0.489


def main(folder: Path) -> None:
    """Ends with 1 and the reason if a goal is missed."""
    row, prediction, label = np.loadtxt(folder / "predictions.csv", delimiter=",", skiprows=1, unpack=True)
    positives = int(label.sum())
    negatives = len(label) - positives
    # Mann and Whitney: the places of the late flights when all are sorted, the mean place where predictions tie.
    ordered = np.sort(prediction)
    places = (
        np.searchsorted(ordered, prediction, "left") + np.searchsorted(ordered, prediction, "right") + 1
    ) / 2
    auc = (places[label == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    held = np.clip(prediction, 1e-7, 1 - 1e-7)
    logloss = -(label * np.log(held) + (1 - label) * np.log1p(-held)).mean()

    failures = []
    if len(np.unique(row)) != 327_346 or len(row) != 327_346 or row.min() < 0 or row.max() > 336_775:
        failures.append(f"327,346 flights landed, not {len(row):,}")
    if positives != round(0.24469521546 * 327_346):
        failures.append(f"{positives:,} labels are not those of the year")
    if not auc >= LEAST_AUC:
        failures.append(f"AUC {auc:.4f} is less than {LEAST_AUC}")
    if auc > MOST_AUC:
        failures.append(f"AUC {auc:.4f} is more than {MOST_AUC}: something leaks")
    if not logloss <= MOST_LOGLOSS:
        failures.append(f"logloss {logloss:.4f} is more than {MOST_LOGLOSS}")
    if failures:
        sys.exit("demo: " + "; ".join(failures))
    print(f"demo: AUC {auc:.4f}, logloss {logloss:.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
