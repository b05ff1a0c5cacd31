"""pyarrow hands record batches to the C ABI in this process: they predict what the same values do by column."""

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
TENSORFLOW = next(
    Path(path, "tensorflow", "libtensorflow_cc.so.2")
    for path in sys.path
    if Path(path, "tensorflow").is_dir()
)
NAMES = ["hour", "distance", "seats", "wind"]
ROWS = 5


class Handle(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint64)]


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int32), ("message", ctypes.c_char * 1024)]


class Refusal(ctypes.Structure):
    _fields_ = [("row", ctypes.c_uint64), ("reason", ctypes.c_char * 1024)]


class Predictions(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t), ("values", ctypes.c_void_p), ("capacity", ctypes.c_size_t),
        ("outputs", ctypes.c_void_p), ("output_count", ctypes.c_size_t), ("rows", ctypes.c_size_t),
        ("version", ctypes.c_uint64), ("lineage", ctypes.c_uint64),
    ]  # fmt: skip


class ArrowSchema(ctypes.Structure):
    _fields_ = [
        ("format", ctypes.c_char_p), ("name", ctypes.c_char_p), ("metadata", ctypes.c_char_p),
        ("flags", ctypes.c_int64), ("n_children", ctypes.c_int64), ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p), ("release", ctypes.c_void_p), ("private_data", ctypes.c_void_p),
    ]  # fmt: skip


class ArrowArray(ctypes.Structure):
    _fields_ = [
        ("length", ctypes.c_int64), ("null_count", ctypes.c_int64), ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64), ("n_children", ctypes.c_int64), ("buffers", ctypes.c_void_p),
        ("children", ctypes.c_void_p), ("dictionary", ctypes.c_void_p), ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    ]  # fmt: skip


class Host:
    """A trainer of the flights and a batch of it."""

    def __init__(self, library: ctypes.CDLL, bundle: Path) -> None:
        self.library, self.trainer, self.batch = library, Handle(), Handle()
        self.call("sg_trainer_open", str(bundle).encode(), None, ctypes.byref(self.trainer))
        self.call("sg_batch_new", self.trainer, ctypes.c_size_t(ROWS), ctypes.byref(self.batch))

    def call(self, function: str, *arguments: object) -> None:
        error = Error()
        if getattr(self.library, function)(*arguments, ctypes.byref(error)):
            raise ValueError(error.message.decode())

    def predict(self) -> list[float]:
        values = (ctypes.c_float * ROWS)()
        predictions = Predictions(ctypes.sizeof(Predictions), ctypes.addressof(values), ROWS)
        self.call("sg_trainer_predict", self.trainer, self.batch, ctypes.byref(predictions))
        return values[: predictions.rows]

    def take(self, record: pa.RecordBatch) -> list[tuple[int, str]]:
        """Imports it; the rows that were refused."""
        array, schema = ArrowArray(), ArrowSchema()
        record._export_to_c(ctypes.addressof(array), ctypes.addressof(schema))
        refusals, refused = (Refusal * ROWS)(), ctypes.c_size_t()
        last = (refusals, ctypes.c_size_t(ROWS), ctypes.byref(refused))
        self.call("sg_batch_import_arrow", self.batch, ctypes.byref(array), ctypes.byref(schema), *last)
        assert array.release is None
        assert schema.release is None
        return [(refusal.row, refusal.reason.decode()) for refusal in refusals[: refused.value]]


@pytest.fixture
def host() -> Iterator[Host]:
    os.environ.setdefault("STREAMGRAD_TENSORFLOW", str(TENSORFLOW))
    host = Host(ctypes.CDLL(str(TARGET / "libstreamgrad.so")), ROOT / "target" / "peer" / "flights.bundle")
    yield host
    host.library.sg_batch_close(host.batch)
    host.library.sg_trainer_close(host.trainer)


def columns() -> dict[str, list[float]]:
    return {name: [(at + 4 * row) / 8 for row in range(ROWS)] for at, name in enumerate(NAMES)}


def by_column(host: Host) -> list[float]:
    numbers = [value for row in zip(*columns().values(), strict=True) for value in row]
    values = (ctypes.c_float * len(numbers))(*numbers)
    host.call("sg_batch_set_f32", host.batch, b"numbers", values, ctypes.c_size_t(len(numbers)))
    return host.predict()


def test_every_type_of_number_comes_to_the_same(host):
    wanted = by_column(host)
    assert len(set(wanted)) == ROWS
    for number in (pa.float32(), pa.float64()):
        record = pa.RecordBatch.from_pydict({name: pa.array(v, number) for name, v in columns().items()})
        assert host.take(record) == []
        assert host.predict() == wanted


def test_a_slice_begins_at_its_own_row(host):
    wanted = by_column(host)
    record = pa.RecordBatch.from_pydict(columns()).slice(2, 2)
    assert host.take(record) == []
    assert host.predict() == pytest.approx(wanted[2:4], rel=1e-6)


def test_a_row_that_is_refused_is_told(host):
    wanted = by_column(host)
    holed = columns()
    holed["wind"][1], holed["seats"][3] = None, float("nan")
    refusals = host.take(pa.RecordBatch.from_pydict(holed))
    assert [row for row, _ in refusals] == [1, 3]
    assert "wind is missing" in refusals[0][1]
    assert "numbers is not finite" in refusals[1][1]
    assert host.predict() == pytest.approx([wanted[0], wanted[2], wanted[4]], rel=1e-6)


def test_what_does_not_fit_changes_nothing(host):
    wanted = by_column(host)
    without = {name: values for name, values in columns().items() if name != "wind"}
    with pytest.raises(ValueError, match="wind"):
        host.take(pa.RecordBatch.from_pydict(without))
    with pytest.raises(ValueError, match="hour"):
        host.take(pa.RecordBatch.from_pydict(columns() | {"hour": [{"x": 1}] * ROWS}))
    assert host.predict() == wanted
