"""Writes what the fuzzers begin with, by the formats' owners: `python fuzz/seeds.py`, when the schema in `src/lib.rs` changes.

A seed whose name begins with `some` has rows to read; one that begins with `no` has none.
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import tensorflow as tf

SEEDS = Path(__file__).parent / "seeds"
ROWS = [
    {"a": 1.5, "b": [1, -2], "c": "UA", "d": [3, 4, 5], "e": ["x", ""], "y": 1.0},
    {"a": -0.25, "b": [9007199254740993, 0], "c": 'Ü, "B6"', "d": [], "e": [], "y": 0.0},
]


def seed(target: str, name: str, content: bytes) -> None:
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def example(row: dict) -> bytes:
    lists = {
        float: lambda values: tf.train.Feature(float_list=tf.train.FloatList(value=values)),
        int: lambda values: tf.train.Feature(int64_list=tf.train.Int64List(value=values)),
        str: lambda values: tf.train.Feature(
            bytes_list=tf.train.BytesList(value=[value.encode() for value in values])
        ),
    }
    kinds = {"d": int, "e": str}
    features = {}
    for name, value in row.items():
        values = value if isinstance(value, list) else [value]
        features[name] = lists[kinds.get(name) or type(values[0])](values)
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(
        deterministic=True
    )


def varint(number: int) -> bytes:
    low = number & 0x7F
    return bytes([low]) if number < 0x80 else bytes([low | 0x80]) + varint(number >> 7)


def zigzag(number: int) -> bytes:
    return varint(2 * number)


def level(*runs: tuple[int, int]) -> bytes:
    """Levels as runs of a number of times and a value."""
    content = b"".join(zigzag(times) + bytes([value]) for times, value in runs)
    return len(content).to_bytes(4, "little") + content


def replaced(content: bytes, start: int, end: int, kind: int, fields: bytes, body: bytes) -> bytes:
    """A page of a Parquet file is replaced by another one, whose PageHeader is by Thrift's compact protocol."""
    for padding in range(end - start):
        size = zigzag(len(body) + padding)
        page = (
            b"\x15" + zigzag(kind) + b"\x15" + size + b"\x15" + size + fields + b"\0" + body + bytes(padding)
        )
        if len(page) == end - start:
            return content[:start] + page + content[end:]
    raise ValueError("the page is too short")


def main() -> None:
    header = b"a,b,c,d,e,y\n"
    row = b'1.5,1;2,"U\n""A""","[3,4]",x;y,1\n'
    seed("csv", "some", b"\0" + header + row + b"\n-2,,,[],[],0\r\nNA,1;2,A,1,x,\n")
    seed("csv", "some-expanded", b"\0a,b.0,b.1,c,d,e,y\n1,2,3,UA,4,x,1\n")
    seed("csv", "some-tabs", b"\x0b" + b'a\tb\tc\td\te\ty\n1\t2 3\tU"A\t4 5\tx\tNA\n')
    seed("csv", "some-without-header", b"\x04" + row)
    seed("csv", "no-quote-closed", b"\x10" + header + b'1,1;2,"A,1,x,1\n' + b"1,1;2,A,1,x,1\n" * 5)
    lines = "".join(
        json.dumps(row, ensure_ascii=escaped) + "\n" for row in ROWS for escaped in (True, False)
    ).encode()
    seed(
        "json_lines",
        "some",
        b"\0\xef\xbb\xbf" + lines + b'{"a": 1e400}\n{"more": {"x": [null, true]}, "a": null}\n',
    )
    seed("json_lines", "some-strict", b"\1" + lines)
    seed("json_lines", "no-long", b"\2" + lines)
    for at, row_ in enumerate(ROWS):
        seed("example", f"some-{at}", example(row_))
    for kind, compression in enumerate(("", "GZIP", "ZLIB")):
        path = SEEDS / "file"
        with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type=compression)) as file:
            for record in (b"one", b"", b"three"):
                file.write(record)
        seed("records", f"some-{compression.lower() or 'plain'}", bytes([kind]) + path.read_bytes())
        path.unlink()
    types = {
        "a": pa.float32(), "b": pa.list_(pa.int64(), 2), "c": pa.string(), "d": pa.list_(pa.int32()),
        "e": pa.list_(pa.string()), "y": pa.float32(),
    }  # fmt: skip
    exact = pa.Table.from_pylist(ROWS, schema=pa.schema(types))
    loose = {"a": pa.float64(), "b": pa.list_(pa.int64()), "d": pa.large_list(pa.int64()), "y": pa.int8()}
    others = pa.Table.from_pylist([*ROWS, dict.fromkeys(types)], schema=pa.schema(types | loose))
    others = others.set_column(2, "c", others["c"].dictionary_encode())
    for name, table in (("some-exact", exact), ("some-others", others)):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        seed("arrow_stream", name, sink.getvalue().to_pybytes())
        for compression in ("uncompressed", "lz4", "zstd"):
            sink = pa.BufferOutputStream()
            pa.feather.write_feather(table, sink, compression=compression)
            seed("arrow_file", f"{name}-{compression}", sink.getvalue().to_pybytes())
            if (name, compression) == ("some-exact", "lz4"):
                # Each buffer begins with its length after decompression, for which memory was once taken at once.
                frame, too_long = b"\x04\x22\x4d\x18", (1 << 48).to_bytes(8, "little")
                pieces = sink.getvalue().to_pybytes().split(frame)
                damaged = frame.join([*(piece[:-8] + too_long for piece in pieces[:-1]), pieces[-1]])
                seed("arrow_file", "no-memory-lz4", damaged)
        for compression in ("none", "snappy", "gzip", "zstd", "lz4"):
            sink = pa.BufferOutputStream()
            pa.parquet.write_table(table, sink, compression=compression, store_schema=False)
            seed("parquet", f"{name}-{compression}", sink.getvalue().to_pybytes())
            if (name, compression) == ("some-exact", "none"):
                content = sink.getvalue().to_pybytes()
                chunk = pa.parquet.ParquetFile(pa.BufferReader(content)).metadata.row_group(0).column(3)
                pages = chunk.dictionary_page_offset, chunk.data_page_offset
                end, count = pages[0] + chunk.total_compressed_size, 1 << 30
                fields = b"\x4c\x15" + zigzag(count) + b"\x15\0\0"
                seed("parquet", "no-dictionary-of-gigabytes", replaced(content, *pages, 2, fields, b""))
                # One row: the first value of the dictionary, in one run.
                fields = b"\x2c\x15" + zigzag(count) + b"\x15\x10\x15\6\x15\6\0"
                body = level((1, 0), (count - 1, 1)) + level((count, 3)) + b"\1" + zigzag(count) + b"\0"
                seed("parquet", "no-list-of-gigabytes", replaced(content, pages[1], end, 0, fields, body))
    # Encodings in which all lengths of the strings come first, in either version of the pages.
    for encoding, version in (("DELTA_LENGTH_BYTE_ARRAY", "1.0"), ("DELTA_BYTE_ARRAY", "2.0")):
        sink, name = pa.BufferOutputStream(), encoding.lower().replace("_", "-")
        encodings = {"c": encoding, "e.list.element": encoding}
        pa.parquet.write_table(
            exact, sink, compression="none", store_schema=False, use_dictionary=["a"],
            column_encoding=encodings, data_page_version=version,
        )  # fmt: skip
        content = sink.getvalue().to_pybytes()
        seed("parquet", f"some-{name}", content)
        # The header of the lengths: the size of a block, its parts, and how many there are.
        before, after = content.split(b"\x80\1\4\2", 1)
        too_many = varint(1 << 40)
        seed("parquet", f"no-{name}", before + b"\x80\1\4" + too_many + after[len(too_many) - 1 :])


if __name__ == "__main__":
    main()
