"""TensorFlow's and pyarrow's readers of the files of `benches/codec.rs`: `python benches/codec_rivals.py CODEC OUT.json`.

CODEC is the program of that benchmark: it has turns between those of Python, reading the same files. Both read the whole file
from the disk's cache; in Python numbers end in numpy arrays, strings stay where the reader puts them. One thread each.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import check_call

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet
import tensorflow as tf
from rivals import Trainer, ratios

FOLDER = Path("target/bench")
NUMBERS = [f"number_{at}" for at in range(8)]
COUNTS = [f"count_{at}" for at in range(3)]
TYPES = dict.fromkeys(NUMBERS, pa.float32()) | dict.fromkeys(COUNTS, pa.int64()) | {"airline": pa.string()}


def path(kind: str) -> str:
    return str(FOLDER / f"flights.{kind}")


def arrays(table: pa.Table) -> list[np.ndarray]:
    return [table[name].to_numpy() for name in NUMBERS + COUNTS]


def csv() -> object:
    options = pa.csv.ConvertOptions(column_types=TYPES)
    return arrays(pa.csv.read_csv(path("csv"), pa.csv.ReadOptions(use_threads=False), None, options))


def json_lines() -> object:
    options = pa.json.ParseOptions(explicit_schema=pa.schema(TYPES))
    return arrays(pa.json.read_json(path("jsonl"), pa.json.ReadOptions(use_threads=False), options))


def parquet() -> object:
    return arrays(pa.parquet.read_table(path("parquet"), use_threads=False))


def parse_example() -> object:
    features = dict.fromkeys(NUMBERS, tf.io.FixedLenFeature([], tf.float32))
    features |= dict.fromkeys(COUNTS, tf.io.FixedLenFeature([], tf.int64))
    features["airline"] = tf.io.FixedLenFeature([], tf.string)
    records = next(iter(tf.data.TFRecordDataset(path("tfrecord")).batch(1 << 20)))
    parsed = tf.io.parse_example(records, features)
    return [parsed[name].numpy() for name in NUMBERS + COUNTS]


def main(codec: str, out: Path) -> None:
    """Writes `{rival: its time over ours}`."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    check_call([codec, "write", str(FOLDER)])
    rivals: dict[str, tuple[str, Callable[[], object]]] = {
        "csv": ("pyarrow.csv", csv),
        "jsonl": ("pyarrow.json", json_lines),
        "tfrecord": ("TFRecordDataset and tf.io.parse_example", parse_example),
        "parquet": ("pyarrow.parquet", parquet),
    }
    measured: dict[str, float] = {}
    for kind, (name, rival) in rivals.items():
        if not Path(path(kind)).exists():
            continue
        ours = Trainer(codec, kind, path(kind))
        measured |= ratios(ours, {name: rival})
        ours.close()
    out.write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
