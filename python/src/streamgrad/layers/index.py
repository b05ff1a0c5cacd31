"""Index: which row of a layer an id has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.uint64]
Mark = tuple[int, int]


class Index:
    """Places by id, kept beside the list of ids that is saved with the layer.

    Others replace that list: loading, `set_weights`, a callback that goes back to the best weights. Its mark tells,
    which is saved with it.
    """

    def __init__(self) -> None:
        self._places: dict[int, int] = {}
        self._mark: Mark = (0, 0)

    def follow(self, mark: Mark, listed: Callable[[], Ids]) -> None:
        """Takes up the ids that are listed, unless they are those it has."""
        if mark != self._mark:
            count = mark[0]
            self._places = {id_: place for place, id_ in enumerate(listed()[:count].tolist())}
            self._mark = mark

    def find(self, ids: Ids) -> NDArray[np.int64]:
        """The place of each id, -1 for one that has none."""
        places = self._places
        return np.array([places.get(id_, -1) for id_ in ids.tolist()], dtype=np.int64)

    def missing(self, ids: Ids) -> Ids:
        """Those without a place, each once, in their order."""
        new = dict.fromkeys(id_ for id_ in ids.tolist() if id_ not in self._places)
        return np.array(list(new), dtype=np.uint64)

    def add(self, ids: Ids) -> Mark:
        """Gives the next places to ids that have none; the mark that the list has with them."""
        count, check = self._mark
        places = np.arange(count, count + ids.size, dtype=np.uint64)
        self._places.update(zip(ids.tolist(), places.tolist(), strict=True))
        mixed = (ids ^ (places * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(31)
        total = (check + int(np.sum(mixed, dtype=np.uint64))) & 0xFFFFFFFFFFFFFFFF
        self._mark = (count + int(ids.size), total)
        return self._mark
