"""The self-check: the graph as it was written, run beside the Keras model it came from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from streamgrad import rows
from streamgrad.errors import ExportError
from streamgrad.feeds import Feeds, reading
from streamgrad.losses import OutputLoss
from streamgrad.ragged import as_tensor, flat_rows, flat_values, lengths
from streamgrad.tables import pull
from streamgrad.trace import Model

Values = dict[str, np.ndarray[Any, Any]]

BATCHES = (1, 7, 64)
"""The numbers of rows that are tried: one, an odd few, and many."""


class UnfitRows(Exception):
    """The rows are not such that the Keras model itself gives finite numbers on them."""


def verify(
    model: Model, graph_def: Any, manifest: Mapping[str, Any], losses: Mapping[str, OutputLoss], example: Any
) -> None:
    """Compares graph and model at each number of rows; `example` are rows as the user gave them, or `None`."""
    verify_rows(model, graph_def, manifest, losses, rows.given(model, rows.split_example(example)))


def verify_rows(
    model: Model, graph_def: Any, manifest: Mapping[str, Any], losses: Mapping[str, OutputLoss], given: Values
) -> None:
    """The same, of columns that are given as arrays, some or all of them."""
    most = max(BATCHES)
    whole = {column.name for column in model.columns()} <= set(given)
    failure: Exception | None = None
    for batch in rows.made_up(model, losses, most):
        batch.update(rows.repeated(given, most))
        try:
            for size in BATCHES:
                compare(model, graph_def, manifest, {name: values[:size] for name, values in batch.items()})
            return
        except (UnfitRows, tf.errors.OpError, ValueError, TypeError) as error:
            if isinstance(error, ExportError):
                raise
            failure = error
    reason = str(failure).strip().splitlines()[0]
    if whole:
        raise ExportError(f"the model fails on the rows of `example`: {reason}") from failure
    raise ExportError(
        f"no rows could be made up that the model takes ({reason}); give a few real ones as `example`, a tuple (x, y)"
    ) from failure


ROUNDED = {"float16": 2.0**-9, "bfloat16": 2.0**-6}
"""What two units of the last place are of a number."""


def compare(model: Model, graph_def: Any, manifest: Mapping[str, Any], batch: Values) -> None:
    """Runs graph and Keras model on `batch`; raises `ExportError` with the name of the first tensor that differs.

    Equal means `|a - b| <= 1e-5 max|tensor| + 1e-6 max over all gradients`; for a float of 16 bits, two units of its
    last place in place of 1e-5. The Keras model keeps its weights.
    """
    reads = [(table["name"], one["name"]) for table in manifest.get("tables", []) for one in table["features"]]
    expected = keras_values(model, batch, reads)
    actual = _graph_values(model, graph_def, manifest, batch)
    scale = max(float(np.max(np.abs(value), initial=0)) for name, value in expected.items() if _is_gradient(name))
    size = len(next(iter(batch.values())))
    rows_of = {f"output {output.name!r}": output.shape for output in model.outputs}
    for name, value in expected.items():
        other = actual[name]
        if name in rows_of and value.shape != (size, *rows_of[name]):
            raise ExportError(
                f"{name} has shape {list(value.shape)} at {size} rows, so it does not give one row for each; keep the "
                "batch dimension first"
            )
        if value.dtype != other.dtype or value.shape != other.shape:
            raise ExportError(
                f"the exported graph differs from the Keras model: {name} at {size} rows is {other.dtype}"
                f"{list(other.shape)}, but Keras gives {value.dtype}{list(value.shape)}"
            )
        tolerance = ROUNDED.get(value.dtype.name, 1e-5)
        if value.dtype.kind not in "fc" and value.dtype.name not in ROUNDED:
            if not np.array_equal(value, other):
                raise ExportError(f"the exported graph differs from the Keras model: {name} at {size} rows")
            continue
        allowed = tolerance * float(np.max(np.abs(value), initial=0)) + 1e-6 * scale
        difference = np.abs(value.astype(np.complex128) - other.astype(np.complex128))
        if not np.all(difference <= allowed):
            raise ExportError(
                f"the exported graph differs from the Keras model: {name} at {size} rows is off by "
                f"{float(np.max(difference)):.3g}, allowed are {allowed:.3g}; if a layer draws random numbers, give it "
                "a keras.random.SeedGenerator of its own"
            )


def keras_values(model: Model, batch: Values, reads: Sequence[tuple[str, str]] = ()) -> Values:
    """Losses, predictions, gradients and new state on `batch`, by the Keras model itself.

    `reads` are the pairs of table and feature in it.
    """
    tensors = {column.name: as_tensor(batch[column.name], column.dtype) for column in model.columns()}
    rows, feeds = _table_feeds(model, reads, batch, tensors)
    with _weights_kept(model), reading(feeds):
        inference, evaluate_loss = model.forward(tensors, training=False)
    # Recurrent layers draw from their seeds even in inference, so the training pass must begin where that one did.
    with _weights_kept(model):
        with tf.GradientTape() as tape, reading(feeds):
            tape.watch(list(rows.values()))
            _, loss = model.forward(tensors, training=True)
        moved = [*(weight.variable.value for weight in model.parameters), *rows.values()]
        gradients = tape.gradient(loss, moved)
        state = {f"state {weight.name!r}": weight.variable.numpy() for weight in model.others}
    values = {"the training loss": loss.numpy(), "the inference loss": evaluate_loss.numpy()}
    for output, value in zip(model.outputs, inference, strict=True):
        values[f"output {output.name!r}"] = value.numpy()
    for name, gradient in zip([*(weight.name for weight in model.parameters), *rows], gradients, strict=True):
        values[f"gradient {name!r}"] = tf.convert_to_tensor(gradient).numpy()
    for name, value in values.items():
        if value.dtype.kind == "f" and not np.all(np.isfinite(value)):
            raise UnfitRows(f"{name} is not finite")
    return values | state


def _graph_values(model: Model, graph_def: Any, manifest: Mapping[str, Any], batch: Values) -> Values:
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(graph_def, name="")
    features = _features(model, manifest, batch)
    feed = features | {
        entry["tensor"]: batch[entry["name"]] for entry in (*manifest["labels"], *filter(None, [manifest["weight"]]))
    }
    variables = {weight.name: weight.variable for weight in (*model.parameters, *model.others)}
    state = [entry for entry in manifest["state"] if entry["kind"] != "moments"]
    fed = (*manifest["parameters"], *state, *manifest["frozen"])
    weights = {entry["tensor"]: variables[entry["name"]].numpy() for entry in fed}
    feed.update(weights)
    train = {
        "the training loss": manifest["loss"]["train"],
        **{f"output {entry['name']!r}": entry["train"] for entry in manifest["outputs"]},
        **{
            f"gradient {entry['name']!r}": entry["gradient"]
            for entry in (*manifest["parameters"], *manifest.get("tables", []))
        },
        **{f"state {entry['name']!r}": entry["next"] for entry in state},
    }
    predict = {f"output {entry['name']!r}": entry["predict"] for entry in manifest["outputs"]}
    try:
        with tf.compat.v1.Session(graph=graph) as session:
            values: Values = session.run(train, feed)
            predicted = session.run(predict, features | weights)
            values["the inference loss"] = session.run(manifest["loss"]["evaluate"], feed)
    except tf.errors.OpError as error:
        raise ExportError(f"the exported graph fails where the Keras model does not: {error}") from error
    for name, value in predicted.items():
        if not np.allclose(value, values[name], rtol=1e-5, atol=1e-6):
            raise ExportError(f"{name} differs between the prediction and the training pass of the exported graph")
    for weight in model.others:
        values.setdefault(f"state {weight.name!r}", weight.variable.numpy())
    return {name: np.asarray(value) for name, value in values.items()}


def _features(model: Model, manifest: Mapping[str, Any], batch: Values) -> Values:
    """What is fed of the features: their values, the lengths of ragged ones, tables' rows and the places in them."""
    feed: Values = {}
    flat: Values = {}
    for entry in manifest["features"]:
        values = batch[entry["name"]]
        feed[entry["tensor"]] = flat[entry["name"]] = flat_rows(values)
        if entry.get("ragged"):
            feed[entry["lengths"]] = lengths(values)
    tables = manifest.get("tables", [])
    reads = [(table["name"], one["name"]) for table in tables for one in table["features"]]
    rows, places = pull(model.tables, reads, flat)
    for table in tables:
        feed[table["rows"]] = rows[table["name"]]
        feed.update({one["index"]: places[table["name"], one["name"]] for one in table["features"]})
    return feed


def _table_feeds(
    model: Model, reads: Sequence[tuple[str, str]], batch: Values, tensors: Mapping[str, Any]
) -> tuple[dict[str, Any], Feeds]:
    """The same for the Keras model, whose tables would otherwise assign rows to ids that are only made up."""
    features = {column.name: flat_values(tensors[column.name]) for column in model.inputs.columns}
    rows, places = pull(model.tables, reads, {name: flat_rows(values) for name, values in batch.items()})
    fed = {name: tf.constant(values) for name, values in rows.items()}
    return fed, Feeds(features, fed, lambda table, feature, _: tf.constant(places[table, feature]))


@contextlib.contextmanager
def _weights_kept(model: Model) -> Iterator[None]:
    variables = [*model.keras.variables, *model.keras.metrics_variables]
    before = [(variable, variable.numpy()) for variable in variables]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def _is_gradient(name: str) -> bool:
    return name.startswith("gradient ")
