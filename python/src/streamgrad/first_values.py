"""First values of a table's rows: the same as in Rust (`src/table/initializer.rs`, which explains them).

They are a function of (seed, id, column) alone, whatever the order of arrival. Uniform and constant rows have
the same bits everywhere; normal ones hang on the last bit of the platform's logarithm, sine and cosine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Words = NDArray[np.uint32]
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def first_values(initializer: Mapping[str, Any], seed: int, ids: ArrayLike, dim: int) -> NDArray[np.float32]:
    """The first rows `[ids, dim]` of unsigned 64-bit ids.

    `initializer` is as in a bundle: `kind` (`constant`, `uniform`, `normal`, `truncated_normal`) and its numbers
    (`value`; `low`, `high`; `mean`, `deviation`).
    """
    keys = np.asarray(ids, dtype=np.uint64)
    kind = initializer["kind"]
    if kind == "constant":
        return np.full((keys.size, dim), initializer["value"], dtype=np.float32)
    if kind == "uniform":
        low, high = np.float32(initializer["low"]), np.float32(initializer["high"])
        unit = (_words(seed, keys, dim, 0) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
        return (low + unit * (high - low))[:, :dim]
    if kind not in ("normal", "truncated_normal"):
        raise ValueError(f"no initializer of a table is called {kind!r}")
    z = _normals(_words(seed, keys, dim, 0))
    attempt = 0
    while kind == "truncated_normal" and (far := np.abs(z) > 2).any():
        attempt += 1
        z = np.where(far, _normals(_words(seed, keys, dim, attempt)), z)
    mean, deviation = (np.float64(np.float32(initializer[name])) for name in ("mean", "deviation"))
    return (mean + deviation * z[:, :dim]).astype(np.float32)


def _words(seed: int, ids: NDArray[np.uint64], dim: int, attempt: int) -> Words:
    """The random words of all columns, in whole blocks of four."""
    blocks = np.arange((dim + 3) // 4, dtype=np.uint64)
    shape = (ids.size, blocks.size)
    counter = [
        np.broadcast_to((ids & LOW)[:, None], shape),
        np.broadcast_to((ids >> HALF)[:, None], shape),
        np.broadcast_to(blocks[None, :], shape),
        np.full(shape, attempt, dtype=np.uint64),
    ]
    words = philox(counter, (seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF))
    return np.stack(words, axis=-1).reshape(ids.size, -1)


def _normals(words: Words) -> NDArray[np.float64]:
    """A normal number for each word, made in pairs."""
    pairs = words.reshape(words.shape[0], -1, 2).astype(np.float64) * 2.0**-32
    radius = np.sqrt(-2 * np.log(pairs[..., 0] + 2.0**-32))
    turn = 2 * np.pi * pairs[..., 1]
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=-1).reshape(words.shape)


def philox(counter: list[NDArray[np.uint64]], key: tuple[int, int]) -> list[Words]:
    """Philox 4x32 with ten rounds (Salmon et al., 2011) of four words each in an array of 64-bit numbers."""
    a, b, c, d = counter
    first_key, second_key = key
    for _ in range(10):
        first, second = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b, c, d = (
            (second >> HALF) ^ b ^ np.uint64(first_key),
            second & LOW,
            (first >> HALF) ^ d ^ np.uint64(second_key),
            first & LOW,
        )
        first_key, second_key = (first_key + 0x9E3779B9) & 0xFFFFFFFF, (second_key + 0xBB67AE85) & 0xFFFFFFFF
    return [word.astype(np.uint32) for word in (a, b, c, d)]
