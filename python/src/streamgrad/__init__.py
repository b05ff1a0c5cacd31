"""Streamgrad's exporter: a Keras model becomes a bundle, which learns inside the process that holds the stream."""

from streamgrad import layers
from streamgrad.errors import ExportError
from streamgrad.export import export
from streamgrad.export_function import export_function
from streamgrad.ids import fingerprint64
from streamgrad.manifest import VERSION as __version__

__all__ = ["ExportError", "__version__", "export", "export_function", "fingerprint64", "layers"]
