"""Feeds: what stands for the rows of tables while a model is traced or checked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from streamgrad.errors import ExportError

_current: ContextVar[Feeds | None] = ContextVar("feeds", default=None)


class Feeds:
    """Rows for each table, and for each feature that a table reads the place of every id among them.

    `features` are the tensors that the model is called on, of a ragged one its values. `rows` are by table. `place`
    gives the tensor of places for a table and a feature, and is asked once for each pair.
    """

    def __init__(
        self, features: Mapping[str, Any], rows: Mapping[str, Any], place: Callable[[str, str, Any], Any]
    ) -> None:
        # By identity: tensors do not compare.
        self._features = {id(tensor): (name, tensor) for name, tensor in features.items()}
        self._rows = rows
        self._place = place
        self.places: dict[tuple[str, str], Any] = {}

    def of(self, table: str, ids: Any) -> tuple[Any, Any]:
        """The rows of a table and the places of `ids`, which must be a feature."""
        if id(ids) not in self._features:
            raise ExportError(
                f"table {table!r} is called on a tensor that is no input of the model, but computed from one; make "
                "what it reads an input of its own (keras.Input), for a field of the record to fill"
            )
        name, tensor = self._features[id(ids)]
        if (table, name) not in self.places:
            self.places[table, name] = self._place(table, name, tensor)
        return self._rows[table], self.places[table, name]


def current() -> Feeds | None:
    """The feeds that a table must read, or `None` where it has its own rows."""
    return _current.get()


@contextlib.contextmanager
def reading(feeds: Feeds) -> Iterator[None]:
    """Lets every table read `feeds`."""
    token = _current.set(feeds)
    try:
        yield
    finally:
        _current.reset(token)
