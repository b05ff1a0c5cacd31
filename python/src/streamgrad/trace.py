"""Tracing: the model as one pure graph, with its training pass, its gradients and its prediction."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.common import global_state

from streamgrad.columns import Column, Filled, Label
from streamgrad.errors import ExportError
from streamgrad.feeds import Feeds, reading
from streamgrad.inputs import Inputs
from streamgrad.losses import Objective
from streamgrad.names import node_names
from streamgrad.ragged import flat_values
from streamgrad.structure import Hashes
from streamgrad.tables import Table
from streamgrad.weights import Weight, owner
from streamgrad.where import failing_layer, frames_kept


@dataclass
class Traced:
    """A traced model: its graph as TensorFlow made it, and the tensors (`node:index`) that matter in it.

    `rows` are by table, `places` by table and feature; `by_row` are the fed tensors with one row for each of the batch.
    """

    graph_def: Any = None
    captures: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    lengths: dict[str, str] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    by_row: list[str] = field(default_factory=list)
    weights: dict[str, str] = field(default_factory=dict)
    predict: dict[str, str] = field(default_factory=dict)
    train: dict[str, str] = field(default_factory=dict)
    train_loss: str = ""
    evaluate_loss: str = ""
    gradients: dict[str, str] = field(default_factory=dict)
    row_gradients: dict[str, str] = field(default_factory=dict)
    next_state: dict[str, str] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)

    def placeholders(self) -> list[str]:
        """Every tensor that a reader of the bundle may feed."""
        columns = [*self.columns.values(), *self.lengths.values()]
        return [*columns, *self.weights.values(), *self.rows.values(), *self.places.values()]

    def endpoints(self) -> list[str]:
        """Every tensor that a reader of the bundle may fetch."""
        ends = [*self.predict.values(), *self.train.values(), self.train_loss, self.evaluate_loss]
        return [*ends, *self.gradients.values(), *self.row_gradients.values(), *self.next_state.values()]

    def distinct(self) -> list[str]:
        """The endpoints that one run fetches together, and that may turn out to be the same computation."""
        return [*self.gradients.values(), *self.row_gradients.values(), *self.next_state.values(), *self.repeated]

    def rename(self, tensors: Mapping[str, str]) -> None:
        """Gives the endpoints the names that they have in another graph."""
        for ends in (self.predict, self.train, self.gradients, self.row_gradients, self.next_state):
            ends.update({name: tensors[tensor] for name, tensor in ends.items()})
        self.train_loss, self.evaluate_loss = tensors[self.train_loss], tensors[self.evaluate_loss]


@dataclass(frozen=True)
class Model:
    """Everything about a Keras model that the trace and the self-check need."""

    keras: Any
    inputs: Inputs
    outputs: Sequence[Column]
    labels: Sequence[Label]
    weight: Filled | None
    objective: Objective
    parameters: Sequence[Weight]
    others: Sequence[Weight]
    tables: Sequence[Table] = ()

    def groups(self) -> list[tuple[str, Sequence[Filled]]]:
        """Features, labels and weight, with the word that their nodes begin with."""
        return [
            ("feature", self.inputs.columns),
            ("label", self.labels),
            ("weight", [self.weight] if self.weight else []),
        ]

    def columns(self) -> list[Filled]:
        """Features, labels and weight, in the order of a batch."""
        return [column for _, columns in self.groups() for column in columns]

    def forward(self, batch: Mapping[str, Any], training: bool) -> tuple[list[Any], Any]:
        """Predictions in the outputs' order, and the loss, as Keras computes them in the context it is called in."""
        x = self.inputs.pack([batch[column.name] for column in self.inputs.columns])
        arguments = {"training": training} if getattr(self.keras, "_call_has_training_arg", True) else {}
        y_pred = self.keras(x, **arguments)
        labels: Any = {label.output: batch[label.name] for label in self.labels}
        if len(self.outputs) == 1:
            labels = next(iter(labels.values()), None)
        weight = batch[self.weight.name] if self.weight else None
        with self._compiled_with_our_loss():
            loss = self.keras._compute_loss(x=x, y=labels, y_pred=y_pred, sample_weight=weight, training=training)
        return keras.tree.flatten(y_pred), loss

    @contextlib.contextmanager
    def _compiled_with_our_loss(self) -> Iterator[None]:
        # Keras adds regularizers and `add_loss` in `compute_loss`, which a model may override: so that is what runs,
        # with our objective in the place that `compile` would fill, for the length of one call.
        before = self.keras._compile_loss
        self.keras._compile_loss = self.objective
        try:
            yield
        finally:
            self.keras._compile_loss = before


def trace(model: Model) -> Traced:
    """The graph of `model`. Its variables are placeholders; nothing about the Keras model changes."""
    traced = Traced()

    def step() -> list[Any]:
        batch = {
            column.name: _fed(column, node, traced)
            for prefix, columns in model.groups()
            for column, node in zip(columns, node_names(prefix, [one.name for one in columns]), strict=True)
        }
        weights = [*model.parameters, *model.others]
        values = [tf.compat.v1.placeholder(weight.dtype, weight.shape, weight.node) for weight in weights]
        traced.weights = {weight.name: value.name for weight, value in zip(weights, values, strict=True)}
        _trace_step(model, traced, batch, values)
        return []

    before = len(_uninitialized())
    try:
        with frames_kept():
            graph = tf.function(step, autograph=False).get_concrete_function().graph
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(f"{failing_layer(model.keras, error)} cannot be traced: {_first_line(error)}") from error
    finally:
        created = _uninitialized()[before:]
        del _uninitialized()[before:]
    if created:
        paths = ", ".join(repr(variable.path) for variable in created)
        raise ExportError(
            f"{paths} would be made inside the model's call, new at every step; create variables, and the layers that "
            "hold them, in __init__ or build()"
        )
    traced.graph_def = graph.as_graph_def()
    traced.captures = {inside.op.name: outside for outside, inside in graph.captures}
    return traced


def _fed(column: Filled, node: str, traced: Traced) -> Any:
    """The placeholder of a column; of a ragged one two, for its values and their number in each row."""
    values = tf.compat.v1.placeholder(column.dtype, (None, *column.shape), node)
    traced.columns[column.name] = values.name
    if not column.ragged:
        traced.by_row.append(values.name)
        return values
    lengths = tf.compat.v1.placeholder("int64", (None,), f"{node}/lengths")
    traced.lengths[column.name] = lengths.name
    traced.by_row.append(lengths.name)
    return tf.RaggedTensor.from_row_lengths(values, lengths, validate=False)


def _fed_rows(model: Model, traced: Traced, batch: Mapping[str, Any]) -> tuple[Feeds, list[Any]]:
    """The placeholders of the tables' rows, and feeds that make one for each table and feature it reads."""
    graph = tf.compat.v1.get_default_graph()
    nodes = {table.name: table.node for table in model.tables}
    rows = {
        table.name: tf.compat.v1.placeholder("float32", (None, table.layer.dim), table.node) for table in model.tables
    }
    traced.rows = {name: tensor.name for name, tensor in rows.items()}

    def place(table: str, feature: str, ids: Any) -> Any:
        prefix = f"{nodes[table].removesuffix('/rows')}/index"
        # A layer's call is inside of name scopes, and of a graph of its own if it is in a loop.
        with graph.as_default(), tf.compat.v1.name_scope(None):
            tensor = tf.compat.v1.placeholder("int32", ids.shape, node_names(prefix, [feature])[0])
        traced.places[table, feature] = tensor.name
        if traced.columns[feature] in traced.by_row:
            traced.by_row.append(tensor.name)
        return tensor

    features = {column.name: flat_values(batch[column.name]) for column in model.inputs.columns}
    return Feeds(features, rows, place), list(rows.values())


def _trace_step(model: Model, traced: Traced, batch: Mapping[str, Any], values: Sequence[Any]) -> None:
    feeds, rows = _fed_rows(model, traced, batch)
    with reading(feeds):
        _trace_passes(model, traced, batch, values, rows)


def _trace_passes(
    model: Model, traced: Traced, batch: Mapping[str, Any], values: Sequence[Any], rows: Sequence[Any]
) -> None:
    parameters = values[: len(model.parameters)]
    variables = [weight.variable for weight in (*model.parameters, *model.others)]
    mapping = list(zip(variables, values, strict=True))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([*parameters, *rows])
        with keras.StatelessScope(mapping, collect_losses=True, initialize_variables=False) as scope:
            training, train_loss = model.forward(batch, training=True)
    with keras.StatelessScope(mapping, collect_losses=True, initialize_variables=False):
        inference, evaluate_loss = model.forward(batch, training=False)
    for which, loss in (("training", train_loss), ("inference", evaluate_loss)):
        if loss is None or loss.shape.rank != 0 or loss.dtype != tf.float32:
            raise ExportError(f"the loss in {which} is {loss!r}, but it must be a float32 scalar")
    # Before the gradient: it rewrites the loops of the training pass, so that equal passes no longer look equal.
    hashes = Hashes(tf.compat.v1.get_default_graph().as_graph_def())
    seen: set[str] = set()
    for output, train, predict in zip(model.outputs, training, inference, strict=True):
        same = hashes.of(train.name) == hashes.of(predict.name)
        traced.predict[output.name] = _named("predict", output.name, predict)
        traced.train[output.name] = _named("train", output.name, train) if same else traced.predict[output.name]
        if hashes.of(predict.name) in seen:
            traced.repeated += [traced.predict[output.name], traced.train[output.name]]
        seen.add(hashes.of(predict.name))
    traced.train_loss = tf.identity(train_loss, "train/loss").name
    traced.evaluate_loss = tf.identity(evaluate_loss, "evaluate/loss").name
    gradients = tape.gradient(train_loss, [*parameters, *rows])
    for table, gradient in zip(model.tables, gradients[len(parameters) :], strict=True):
        if gradient is None:
            raise ExportError(
                f"table {table.name!r} has no gradient: the loss does not depend on it; take the layer out of the model"
            )
        # Repeated ids are summed here, once.
        dense = tf.convert_to_tensor(gradient)
        traced.row_gradients[table.name] = _named("train/gradient/table", table.name, dense)
    for weight, gradient in zip(model.parameters, gradients[: len(parameters)], strict=True):
        if gradient is None:
            raise ExportError(
                f"parameter {weight.name!r} of {owner(model.keras, weight)} has no gradient: the loss does not depend "
                "on it, or passes an op without one; set trainable=False on the layer, or take it out"
            )
        dense = _of_shape(tf.convert_to_tensor(gradient), weight)
        traced.gradients[weight.name] = _named("train/gradient", weight.name, dense)
    _trace_state(model, traced, scope, values)


def _trace_state(model: Model, traced: Traced, scope: Any, values: Sequence[Any]) -> None:
    split = len(model.parameters)
    for weight, value in zip(model.parameters, values, strict=False):
        if scope.get_current_value(weight.variable) is not value:
            raise ExportError(
                f"parameter {weight.name!r} of {owner(model.keras, weight)} is assigned inside the model's call; only "
                "the optimizer may move parameters: make it non-trainable"
            )
    for weight, value in zip(model.others, values[split:], strict=True):
        new = scope.get_current_value(weight.variable)
        if new is not value:
            fixed = _of_shape(tf.cast(new, weight.dtype), weight)
            traced.next_state[weight.name] = _named("train/state", weight.name, fixed)


def _of_shape(tensor: Any, weight: Weight) -> Any:
    """The tensor with the weight's own shape, where TensorFlow could not tell it."""
    return tensor if tensor.shape.is_fully_defined() else tf.ensure_shape(tensor, weight.shape)


def _named(prefix: str, name: str, tensor: Any) -> str:
    return str(tf.identity(tensor, node_names(prefix, [name])[0]).name)


def _uninitialized() -> list[Any]:
    """Keras' list of variables that were made where they cannot be given a value."""
    return global_state.get_global_attribute("uninitialized_variables", [], set_to_default=True)  # type: ignore[no-any-return]


def _first_line(error: BaseException) -> str:
    plain = re.sub(r"\x1b\[\d*m", "", str(error))
    return next((line.strip() for line in plain.splitlines() if line.strip()), type(error).__name__)
