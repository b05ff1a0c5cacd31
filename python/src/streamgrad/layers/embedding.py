"""Embedding: rows for ids that nobody listed beforehand, in Keras and out of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from streamgrad import feeds
from streamgrad.first_values import first_values
from streamgrad.ids import ids_of, ids_of_tensor, refuse_other
from streamgrad.layers import settings
from streamgrad.layers.combine import COMBINERS, combine
from streamgrad.layers.index import Index

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="streamgrad")
class Embedding(keras.layers.Layer):  # type: ignore[misc]
    """A table of rows by id: integers of any type, or strings (by their `Fingerprint64`).

    Called on ids `[batch]` or `[batch, ...]` it gives their rows, `[batch, ..., dim]`; with a combiner it makes one row
    of those along the last axis of ids, weighted by `weights` of the ids' shape if they are given. Ragged ids
    `[batch, (any)]` go the same way. An instance may be called on several inputs, which then share its rows.

    While it trains in Keras, an id gets one of `capacity` rows when it is first seen, with first values that follow
    from seed, id and column alone. In inference an id without a row has the default row. Exported, the table is outside
    of the graph and has no capacity: the trainer holds its rows, and only there admission, expiry and budget count.

    Only the rows of a batch move. Keras' optimizers with momentum, decay or averages move all rows at every step, so
    that these differ between Keras and a trainer; SGD and Adagrad do not.

    Args:
        name: The table's name; also that of the layer.
        dim: The numbers of a row, 1 to 65536.
        capacity: How many ids can have a row while Keras trains; its optimizers take time and memory for all of them.
        initializer: How rows begin: a constant, uniform, normal or truncated normal initializer, or its name.
        regularizer: Of the distinct rows that a call reads, not of the whole table.
        optimizer: One of the table's own in the bundle, in place of that of `streamgrad.export`. In Keras' `fit` the
            optimizer of `compile` counts, which can be a `MultiOptimizer`.
        combiner: `None`, `"sum"`, `"mean"` or `"sqrtn"`, as `tf.nn.embedding_lookup_sparse` defines them.
        mask_zero: Whether id 0, or the empty string, is padding: masked as by `keras.layers.Embedding`, and without a
            part in what a combiner makes.
        seed: What first values and admission by chance follow from, 0 to 2^64 - 1.
        default_row: The row of ids that have none, `dim` numbers. Zeros if not given. It never learns.
        admit_after: An id gets a row when it is seen for the so-manieth time, 1 to 255.
        admit_probability: An id gets a row at each sighting with this probability.
        sketch_bytes: The memory in which sightings are counted for `admit_after`, at least 16384.
        expire_after_steps: A row is given up once its id was not seen for more than so many steps.
        expire_after_seconds: The same by event time.
        budget_bytes: How much memory all rows may take.
        evict: Whose row a new id takes when the budget is used up: `"least_recent"` or `"least_frequent"`.

    Raises:
        ValueError: A setting is out of its range; says which one and what it takes.
    """

    def __init__(
        self,
        name: str,
        dim: int,
        *,
        capacity: int = 10_000,
        initializer: Any = "uniform",
        regularizer: Any = None,
        optimizer: Any = None,
        combiner: str | None = None,
        mask_zero: bool = False,
        seed: int = 0,
        default_row: Sequence[float] | None = None,
        admit_after: int | None = None,
        admit_probability: float | None = None,
        sketch_bytes: int = 1 << 22,
        expire_after_steps: int | None = None,
        expire_after_seconds: int | None = None,
        budget_bytes: int | None = None,
        evict: str = "least_recent",
        **kwargs: Any,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise ValueError(f"a table has a name, such as Embedding('item', 16), not {name!r}")
        super().__init__(name=name, autocast=False, **kwargs)
        self.dim = settings.integer("dim", dim, 1, settings.MOST_COLUMNS)
        self.capacity = settings.integer("capacity", capacity, 1, (1 << 31) - 1)
        if combiner not in COMBINERS:
            raise ValueError(f"`combiner` is one of {', '.join(map(repr, COMBINERS))}, not {combiner!r}")
        self.initializer = keras.initializers.get(initializer)
        self.regularizer = keras.regularizers.get(regularizer)
        self.optimizer = None if optimizer is None else keras.optimizers.get(optimizer)
        self.combiner = combiner
        self.mask_zero = bool(mask_zero)
        self.seed = settings.integer("seed", seed, 0)
        self.supports_masking = self.mask_zero
        # An id finds its row in a dict of this process.
        self.supports_jit = False
        self._given = {
            "default_row": default_row if default_row is None else [float(value) for value in default_row],
            "admit_after": admit_after,
            "admit_probability": admit_probability,
            "sketch_bytes": sketch_bytes,
            "expire_after_steps": expire_after_steps,
            "expire_after_seconds": expire_after_seconds,
            "budget_bytes": budget_bytes,
            "evict": evict,
        }
        self._spec: dict[str, Any] = {
            "name": name,
            "dim": self.dim,
            "seed": self.seed,
            "initializer": settings.initializer(self.initializer),
            "default_row": settings.default_row(default_row, self.dim),
            "admission": settings.admission(admit_after, admit_probability, sketch_bytes),
            "expiry": settings.expiry(expire_after_steps, expire_after_seconds),
            "budget": settings.budget(budget_bytes, evict),
        }
        self._index = Index()
        self.built = False

    @property
    def spec(self) -> dict[str, Any]:
        """The table's settings, as a bundle's manifest has them."""
        return dict(self._spec)

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights: the rows, the id of each, and how many ids there are, with a check on them."""
        if self.built:
            return
        self.rows = self.add_weight((self.capacity, self.dim), "zeros", "float32", autocast=False, name="rows")
        self.ids = self.add_weight((self.capacity,), "zeros", "int64", trainable=False, name="ids")
        self.used = self.add_weight((2,), "zeros", "int64", trainable=False, name="used")
        self.built = True

    def insert(self, ids: ArrayLike, rows: ArrayLike) -> None:
        """Sets the rows `[ids, dim]` of ids, new or not: pre-trained vectors, or the rows of another layer."""
        self.build()
        keys, values = ids_of(ids), np.asarray(rows, np.float32)
        if values.shape != (keys.size, self.dim):
            raise ValueError(
                f"table {self.name!r} takes one row of {self.dim} numbers for each of {keys.size} ids, "
                f"not an array of shape {values.shape}"
            )
        if not np.all(np.isfinite(values)):
            raise ValueError(f"rows for table {self.name!r} hold numbers that are not finite")
        if np.unique(keys).size != keys.size:
            raise ValueError(f"an id is given twice for table {self.name!r}; give each one row")
        self._put(self._assign(keys.ravel()), values)

    def replace(self, ids: ArrayLike, rows: ArrayLike) -> None:
        """As `insert`, in place of all rows that there are."""
        self.build()
        before = self.used.numpy()
        self.used.assign(np.zeros(2, np.int64))
        try:
            self.insert(ids, rows)
        except ValueError:
            self.used.assign(before)
            raise

    def table(self) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
        """The ids that have a row, `[n]`, in the order in which they came, and their rows, `[n, dim]`."""
        if not self.built:
            return np.zeros(0, np.uint64), np.zeros((0, self.dim), np.float32)
        count = int(self.used.numpy()[0])
        return self.ids.numpy()[:count].view(np.uint64), self.rows.numpy()[:count]

    def rows_of(self, ids: ArrayLike) -> NDArray[np.float32]:
        """The row that training finds for each of `[n]` ids: its own, or its first values. Assigns none."""
        keys = ids_of(ids).ravel()
        rows = first_values(self._spec["initializer"], self.seed, keys, self.dim)
        if self.built:
            self._follow()
            places = self._index.find(keys)
            rows[places >= 0] = tf.gather(self.rows.value, places[places >= 0]).numpy()
        return rows

    def call(self, ids: Any, weights: Any = None, training: bool = False) -> Any:
        """The rows of `ids`, or one for each row of the batch."""
        refuse_other(ids.dtype.name)
        ragged = isinstance(ids, tf.RaggedTensor)
        if ragged and (ids.ragged_rank != 1 or ids.values.shape.rank != 1):
            raise ValueError(f"table {self.name!r} takes ragged ids of shape [batch, (any)], not {ids.shape}")
        flat = ids.values if ragged else ids
        rows = self._read(flat, training)
        if self.combiner is None:
            if weights is not None:
                raise ValueError(f"table {self.name!r} has no combiner, so it cannot take weights")
            rows = tf.cast(rows, self.compute_dtype)
            return ids.with_values(rows) if ragged else rows
        # Asked for its error.
        self.compute_output_shape(ids.shape)
        weights = self._weights(ids, weights)
        if self.mask_zero:
            counts = tf.cast(self._counts(flat), tf.float32)
            weights = counts if weights is None else weights * counts
        combined = combine(self.combiner, rows, weights, ids.row_splits if ragged else None)
        return tf.cast(combined, self.compute_dtype)

    def compute_mask(self, ids: Any, mask: Any = None) -> Any:
        """What is no padding, where rows stay apart and padding is told."""
        if not self.mask_zero or self.combiner is not None or isinstance(ids, tf.RaggedTensor):
            return None
        return keras.ops.not_equal(ids, "" if ids.dtype in ("string", tf.string) else 0)

    def compute_output_shape(self, ids_shape: Shape, weights_shape: Any = None) -> Shape:
        """`[batch, ..., dim]`; with a combiner without the last axis of ids."""
        shape = tuple(ids_shape)
        if self.combiner is None:
            return (*shape, self.dim)
        if len(shape) < 2:
            raise ValueError(
                f"table {self.name!r} has combiner {self.combiner!r}, but one id a row, which leaves nothing to "
                "combine; build it without, or give it ids [batch, length] or ragged ids"
            )
        return (*shape[:-1], self.dim)

    def compute_output_spec(self, ids: Any, weights: Any = None, training: bool = False) -> Any:
        """The same, with dtype, for Keras' symbolic calls."""
        refuse_other(ids.dtype)
        ragged = bool(getattr(ids, "ragged", False)) and self.combiner is None
        return keras.KerasTensor(self.compute_output_shape(ids.shape), self.compute_dtype, ragged=ragged)

    def get_config(self) -> dict[str, Any]:
        """All arguments, for `from_config`."""
        optimizer = None if self.optimizer is None else keras.optimizers.serialize(self.optimizer)
        own = {
            "dim": self.dim,
            "capacity": self.capacity,
            "initializer": keras.initializers.serialize(self.initializer),
            "regularizer": keras.regularizers.serialize(self.regularizer),
            "optimizer": optimizer,
            "combiner": self.combiner,
            "mask_zero": self.mask_zero,
            "seed": self.seed,
        }
        return {**super().get_config(), **own, **self._given}

    def _read(self, ids: Any, training: bool) -> Any:
        """The row of each id, `[..., dim]`, and their regularization."""
        fed = feeds.current()
        if fed is not None:
            rows, places = fed.of(self.name, ids)
            self._regularize(rows, places)
            return tf.gather(rows, places)
        keys = ids_of_tensor(ids)
        places = self._places(keys, training)
        rows = tf.gather(self.rows.value, tf.maximum(places, 0))
        if training:
            self._regularize(self.rows.value, places)
            return rows
        known = tf.expand_dims(places >= 0, -1)
        self._regularize(self.rows.value, tf.boolean_mask(places, places >= 0))
        return tf.where(known, rows, tf.constant(self._spec["default_row"] or [0.0] * self.dim, tf.float32))

    def _regularize(self, rows: Any, places: Any) -> None:
        if self.regularizer is not None:
            distinct = tf.unique(tf.reshape(places, [-1])).y
            self.add_loss(self.regularizer(tf.gather(rows, distinct)))

    def _places(self, keys: Any, training: bool) -> Any:
        """Where the rows of ids are, of their shape; those of new ids are made while it trains."""
        find = self._assigned if training else self._found
        if tf.executing_eagerly():
            return find(keys)
        places = tf.py_function(find, [keys], tf.int64)
        places.set_shape(keys.shape)
        return places

    def _assigned(self, keys: Any) -> Any:
        return tf.constant(self._assign(keys.numpy().ravel().view(np.uint64)).reshape(keys.shape), tf.int64)

    def _found(self, keys: Any) -> Any:
        self._follow()
        return tf.constant(self._index.find(keys.numpy().ravel().view(np.uint64)).reshape(keys.shape), tf.int64)

    def _assign(self, ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The places of ids, of which none is left without."""
        self._follow()
        new = self._index.missing(ids)
        if new.size:
            count = int(self.used.numpy()[0])
            if count + new.size > self.capacity:
                raise ValueError(
                    f"table {self.name!r} has rows for {self.capacity} ids while it trains in Keras, {count} are used, "
                    f"and {new.size} new ids came; build it with a larger `capacity`, and take its rows along by "
                    "`insert(*old.table())`"
                )
            mark = self._index.add(new)
            places = np.arange(count, count + new.size)
            self.ids.value.scatter_nd_update(places[:, None], new.view(np.int64))
            self.used.assign(np.array(mark, np.uint64).view(np.int64))
            self._put(places, first_values(self._spec["initializer"], self.seed, new, self.dim))
        return self._index.find(ids)

    def _put(self, places: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
        self.rows.value.scatter_nd_update(places[:, None], rows)

    def _follow(self) -> None:
        count, check = self.used.numpy().view(np.uint64).tolist()
        self._index.follow((count, check), lambda: self.ids.numpy().view(np.uint64))

    def _weights(self, ids: Any, weights: Any) -> Any:
        """The weights, flat where the ids are ragged."""
        if weights is None:
            return None
        ragged = isinstance(ids, tf.RaggedTensor)
        if ragged != isinstance(weights, tf.RaggedTensor) or not ids.shape.is_compatible_with(weights.shape):
            raise ValueError(
                f"table {self.name!r} takes weights of the shape of its ids, {ids.shape}"
                f"{', ragged as they are' if ragged else ''}; not {weights.shape}"
            )
        if not ragged:
            return tf.cast(weights, tf.float32)
        same = tf.reduce_all(tf.equal(ids.row_splits, weights.row_splits))
        if tf.executing_eagerly() and not same:
            raise ValueError(f"table {self.name!r} takes weights whose rows are as long as those of its ids")
        # An assertion would have an effect, so that training and prediction could not share what comes after it. This
        # fails where there is nothing to gather, and its name says why.
        nothing = tf.gather([0.0], tf.where(same, 0, 1), name="weights_must_be_as_long_as_ids")
        return tf.cast(weights.values, tf.float32) + nothing

    @staticmethod
    def _counts(ids: Any) -> Any:
        return tf.not_equal(ids, "" if ids.dtype == tf.string else 0)
