"""Streamgrad in Python: a Keras model becomes a bundle, which learns where the stream is, and comes back."""

from streamgrad import layers
from streamgrad.errors import ExportError, SnapshotError
from streamgrad.export import export
from streamgrad.export_function import export_function
from streamgrad.fields import cross, field
from streamgrad.ids import fingerprint64
from streamgrad.loading import load_into
from streamgrad.manifest import VERSION as __version__

__all__ = [
    "ExportError",
    "SnapshotError",
    "__version__",
    "cross",
    "export",
    "export_function",
    "field",
    "fingerprint64",
    "layers",
    "load_into",
]
