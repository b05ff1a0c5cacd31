"""What TensorBoard and Prometheus themselves read of what a trainer wrote, as JSON.

`observed.py events FOLDER`, `observed.py histogram <VALUES.json`, `observed.py prometheus <TEXT`.
"""

import json
import sys
from typing import Any

# TensorBoard's own reader of files; TensorFlow's takes seconds to load.
sys.modules["tensorflow"] = None  # type: ignore[assignment]


def events(folder: str) -> dict[str, Any]:
    """Every point, every histogram and the graph's nodes."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    # 0: keep all of them.
    found = EventAccumulator(folder, size_guidance={"scalars": 0, "histograms": 0}).Reload()
    tags = found.Tags()
    times = [event.wall_time for name in files(folder) for event in EventFileLoader(name).Load()]
    return {
        "scalars": {
            tag: [[point.step, point.value] for point in found.Scalars(tag)] for tag in tags["scalars"]
        },
        "histograms": {
            tag: [[event.step, vars(event.histogram_value)] for event in found.Histograms(tag)]
            for tag in tags["histograms"]
        },
        "nodes": [node.name for node in found.Graph().node] if tags["graph"] else [],
        "times": [min(times), max(times)],
    }


def files(folder: str) -> list[str]:
    """The event files of a folder."""
    from pathlib import Path

    return sorted(map(str, Path(folder).iterdir()))


def histogram(values: list[float]) -> list[list[float]]:
    """The buckets of TensorBoard's own summary: left end, right end, count."""
    import numpy as np
    from tensorboard.plugins.histogram.summary_v2 import histogram_pb
    from tensorboard.util.tensor_util import make_ndarray

    made = histogram_pb("h", np.array(values, np.float32).astype(np.float64))
    return make_ndarray(made.value[0].tensor).tolist()


def prometheus(text: str) -> list[list[Any]]:
    """Family, type, help, series, labels and value of each sample."""
    from prometheus_client.parser import text_string_to_metric_families

    return [
        [family.name, family.type, family.documentation, sample.name, sample.labels, str(sample.value)]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


match sys.argv[1:]:
    case ["events", folder]:
        answer: Any = events(folder)
    case ["histogram"]:
        answer = histogram(json.load(sys.stdin))
    case ["prometheus"]:
        answer = prometheus(sys.stdin.read())
    case _:
        sys.exit(__doc__)
json.dump(answer, sys.stdout, default=list)
