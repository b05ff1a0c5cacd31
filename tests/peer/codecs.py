"""The formats of records by those who own them.

`python tests/peer/codecs.py OUTDIR` writes the same rows with TensorFlow, pyarrow and Python's own modules into `OUTDIR/codecs`;
`python tests/peer/codecs.py --read FOLDER` reads what this library wrote there, and fails where it differs from those rows.
"""

import csv
import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, Any]
SIGNED = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float32", "float64"]
TEXTS = ["", "UA", 'a "quoted" one', "two\nlines", "Ünïted; Ö, [", "0"]


def columns() -> list[Row]:
    """The features, as `bundle.json` has them."""

    def column(name: str, dtype: str, shape: tuple[int, ...] = (), **more: Any) -> Row:
        return {"name": name, "dtype": dtype, "shape": shape, "fields": [name], "tensor": "x:0", **more}

    scalars = [column(f"of_{dtype}", dtype) for dtype in [*SIGNED, *UNSIGNED, *FLOATS, "bool", "string"]]
    ragged = [
        column(f"some_{dtype}", dtype, ragged=True, lengths="y:0") for dtype in ("int64", "float32", "string")
    ]
    return [*scalars, column("pair", "float32", (2,)), *ragged]


def rows() -> list[Row]:
    """Values that every format can hold: no whole number beyond int64, no float beyond float32."""
    random = np.random.default_rng(1)

    def some(make: Any) -> list[Any]:
        return [make() for _ in range(random.integers(4))]

    def number(dtype: str) -> int:
        low, high = np.iinfo(dtype).min, min(np.iinfo(dtype).max, 2**63 - 1)
        return int(random.choice([low, high, 0, 7]))

    def real() -> float:
        return float(np.float32(random.normal() * 10.0 ** random.integers(-30, 30)))

    def text() -> str:
        return str(random.choice(TEXTS))

    return [
        {
            **{f"of_{dtype}": number(dtype) for dtype in [*SIGNED, *UNSIGNED]},
            **{f"of_{dtype}": real() for dtype in FLOATS},
            "of_bool": bool(random.integers(2)),
            "of_string": text(),
            "pair": [real(), real()],
            "some_int64": some(lambda: number("int64")),
            "some_float32": some(real),
            "some_string": some(text),
        }
        for _ in range(100)
    ]


def varint(number: int) -> bytes:
    number, encoded = number % 2**64, b""
    while number > 127:
        number, encoded = number >> 7, encoded + bytes([number & 127 | 128])
    return encoded + bytes([number])


def message(tag: int, content: bytes) -> bytes:
    return varint(tag << 3 | 2) + varint(len(content)) + content


def kind(name: str, values: Any) -> tuple[str, list[Any]]:
    """Which list of an example holds these values, also if there are none."""
    values = values if isinstance(values, list) else [values]
    if name == "some_string" or any(isinstance(value, str) for value in values):
        return "bytes", [value.encode() for value in values]
    values = [int(value) if isinstance(value, bool) else value for value in values]
    is_float = name == "some_float32" or any(isinstance(value, float) for value in values)
    return ("float" if is_float else "int64"), values


def feature(name: str, values: Any) -> Any:
    import tensorflow as tf

    kind_, values = kind(name, values)
    lists = {"bytes": tf.train.BytesList, "float": tf.train.FloatList, "int64": tf.train.Int64List}
    return tf.train.Feature(**{f"{kind_}_list": lists[kind_](value=values)})


def unpacked(row: Row) -> bytes:
    """An example as an old writer has it: each number with a tag of its own."""
    entries = b""
    for name, values in row.items():
        kind_, values = kind(name, values)
        if kind_ == "bytes":
            tag, content = 1, b"".join(message(1, value) for value in values)
        elif kind_ == "float":
            tag, content = 2, b"".join(b"\x0d" + struct.pack("<f", value) for value in values)
        else:
            tag, content = 3, b"".join(b"\x08" + varint(value) for value in values)
        entries += message(1, message(1, name.encode()) + message(2, message(tag, content)))
    return message(1, entries)


def write(out: Path) -> None:
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet
    import tensorflow as tf

    out.mkdir(parents=True, exist_ok=True)
    all_rows = rows()
    (out / "schema.json").write_text(json.dumps(columns()))
    (out / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in all_rows))
    (out / "ascii.jsonl").write_text("".join(json.dumps(row) + "\n" for row in all_rows))
    with (out / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(all_rows[0])
        for row in all_rows:
            writer.writerow(json.dumps(value) if isinstance(value, list) else value for value in row.values())
    for compression in ("", "GZIP", "ZLIB"):
        path = out / f"rows{compression and '.'}{compression.lower()}.tfrecord"
        with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type=compression)) as file:
            for row in all_rows:
                features = {name: feature(name, values) for name, values in row.items()}
                file.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    with tf.io.TFRecordWriter(str(out / "unpacked.tfrecord")) as file:
        for row in all_rows:
            file.write(unpacked(row))
    types = {f"of_{dtype}": getattr(pa, dtype)() for dtype in [*SIGNED, *UNSIGNED, *FLOATS]}
    types |= {"of_bool": pa.bool_(), "of_string": pa.string(), "pair": pa.list_(pa.float32(), 2)}
    types |= {f"some_{dtype}": pa.list_(getattr(pa, dtype)()) for dtype in ("int64", "float32", "string")}
    table = pa.Table.from_pylist(all_rows, schema=pa.schema(types))
    # The same values in other types, as data frames have them.
    loose = {name: {pa.string(): pa.large_string(), pa.float32(): pa.float64()}.get(kind_, kind_) for name, kind_ in types.items()}  # fmt: skip
    loose |= {"of_int8": pa.int64(), "of_uint64": pa.int64(), "pair": pa.list_(pa.float64())}
    others = table.cast(pa.schema(loose))
    at = others.schema.get_field_index("of_string")
    others = others.set_column(at, "of_string", table["of_string"].dictionary_encode())
    for name, content in (("rows", table), ("loose", others)):
        with pa.ipc.new_stream(out / f"{name}.arrows", content.schema) as stream:
            stream.write_table(content, max_chunksize=30)
        for compression in ("uncompressed", "lz4", "zstd"):
            pa.feather.write_feather(content, out / f"{name}.{compression}.arrow", compression=compression)
        for compression in ("none", "snappy", "gzip", "zstd", "lz4"):
            path = out / f"{name}.{compression}.parquet"
            pa.parquet.write_table(content, path, compression=compression, row_group_size=40)
    texts = {
        column.path
        for column in pa.parquet.ParquetFile(out / "rows.none.parquet").schema
        if column.physical_type == "BYTE_ARRAY"
    }
    for encoding in ("DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"):
        for version in ("1.0", "2.0"):
            pa.parquet.write_table(
                table, out / f"{encoding}.{version}.parquet", use_dictionary=False, data_page_size=200,
                column_encoding=dict.fromkeys(texts, encoding), data_page_version=version,
            )  # fmt: skip


def read_examples(path: Path, compression: str) -> Iterator[Row]:
    """What `tf.io.parse_example` makes of a file."""
    import tensorflow as tf

    features: dict[str, Any] = {}
    for column in columns():
        dtype = {"string": tf.string, "float32": tf.float32, "float64": tf.float32}.get(
            column["dtype"], tf.int64
        )
        if column.get("ragged"):
            features[column["name"]] = tf.io.RaggedFeature(dtype)
        else:
            features[column["name"]] = tf.io.FixedLenFeature(column["shape"], dtype)
    records = list(tf.data.TFRecordDataset(str(path), compression).as_numpy_iterator())
    parsed = tf.io.parse_example(records, features)
    lists = {
        name: values.to_list() if hasattr(values, "to_list") else values.numpy().tolist()
        for name, values in parsed.items()
    }

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(element) for element in value]
        return value.decode() if isinstance(value, bytes) else value

    for at in range(len(records)):
        row = {name: plain(values[at]) for name, values in lists.items()}
        yield row | {"of_bool": bool(row["of_bool"])}


def read_csv(path: Path) -> Iterator[Row]:
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            yield {name: text if name == "of_string" else json.loads(text) for name, text in row.items()}


def read(folder: Path) -> None:
    """Compares bit for bit, as Python's floats."""
    read_back = {
        "rows.jsonl": [json.loads(line) for line in (folder / "rows.jsonl").read_text().split("\n") if line],
        "rows.csv": list(read_csv(folder / "rows.csv")),
        "rows.tfrecord": list(read_examples(folder / "rows.tfrecord", "")),
        "rows.gzip.tfrecord": list(read_examples(folder / "rows.gzip.tfrecord", "GZIP")),
        "rows.zlib.tfrecord": list(read_examples(folder / "rows.zlib.tfrecord", "ZLIB")),
    }
    narrow = {"of_float32", "some_float32", "pair"}
    for name, found in read_back.items():
        assert len(found) == 100, f"{name} has {len(found)} rows"
        for at, (row, expected) in enumerate(zip(found, rows(), strict=True)):
            for field, value in expected.items():
                got = row[field]
                if field in narrow:  # The shortest digits of a float32 are not those of its float64.
                    got, value = np.float32(got).tolist(), np.float32(value).tolist()
                assert got == value, f"{name}, row {at}: {field} is {got!r}, not {value!r}"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--read", folder]:
            read(Path(folder))
        case [outdir]:
            write(Path(outdir) / "codecs")
        case _:
            sys.exit("usage: python codecs.py OUTDIR | --read FOLDER")
