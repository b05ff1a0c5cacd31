"""Functions: a model that is a TensorFlow function of its parameters, as the parts that trace and self-check know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from streamgrad.columns import Column, Filled, Label, fields_of
from streamgrad.errors import ExportError
from streamgrad.inputs import Inputs
from streamgrad.losses import Objective, OutputLoss
from streamgrad.names import node_names, unique
from streamgrad.trace import Model, Traced
from streamgrad.weights import Weight

Arrays = dict[str, np.ndarray[Any, Any]]

TASKS = ("binary_classification", "multiclass_classification", "regression", "other")


@dataclass(frozen=True, eq=False)
class Parameter:
    """What stands where a Keras model has a variable."""

    path: str
    value: Any

    @property
    def name(self) -> str:
        """The whole name: a function has no layers that others could be short in."""
        return self.path

    def numpy(self) -> np.ndarray[Any, Any]:
        """The initial value."""
        array: np.ndarray[Any, Any] = self.value.numpy()
        return array


@dataclass(frozen=True)
class Function:
    """What stands where the Keras model is: a name, and no layers or variables of its own."""

    name: str
    call: Callable[..., Any]
    variables: Sequence[Any] = ()
    metrics_variables: Sequence[Any] = ()

    def _flatten_layers(self) -> list[Any]:
        return []


@dataclass(frozen=True)
class Given:
    """A column as it was given: dtype, shape of a row, fields, and the rows if it was an array."""

    dtype: str
    shape: tuple[int, ...]
    fields: tuple[str, ...]
    rows: Any = None


@dataclass(frozen=True)
class FunctionModel(Model):
    """A function with everything about it that is exported. `single_label`: it takes the label, not a dict of them."""

    single_label: bool = True
    names: Sequence[str] = field(default=())

    def call(self, parameters: Mapping[str, Any], batch: Mapping[str, Any]) -> tuple[list[Any], Any]:
        """Predictions in the outputs' order, and the loss, by these parameters."""
        features = {column.name: batch[column.name] for column in self.inputs.columns}
        labels = {label.name: batch[label.name] for label in self.labels}
        label = next(iter(labels.values())) if self.single_label else labels
        loss, predictions = _called(self.keras, parameters, features, label)
        return [_by_name(predictions, self.names)[output.name] for output in self.outputs], loss

    def forward(self, batch: Mapping[str, Any], training: bool) -> tuple[list[Any], Any]:
        """By the initial parameters; training is no different."""
        return self.call({weight.name: weight.variable.value for weight in self.parameters}, batch)


def columns_of(given: Mapping[str, Any], what: str) -> dict[str, Given]:
    """The columns by name, each a spec or an array of rows, or one of these with the record's fields beside it."""
    if not isinstance(given, Mapping) or not given:
        raise ExportError(f"`{what}` is a dict by name, each a tf.TensorSpec or an array of rows, not {given!r}")
    return {str(name): _given(str(name), one) for name, one in given.items()}


def describe(
    fn: Callable[..., Any],
    name: str,
    parameters: Mapping[str, Any],
    features: Mapping[str, Given],
    labels: Mapping[str, Given],
    single_label: bool,
    outputs: str | Sequence[str] | None,
    task: str,
    from_logits: bool,
) -> tuple[FunctionModel, dict[str, OutputLoss]]:
    """The function as a model, called once symbolically to know its outputs, and what its loss says of the labels."""
    if task not in TASKS:
        raise ExportError(f"task {task!r} is none of {', '.join(TASKS)}")
    function = Function(name, fn)
    # The order of the structure's leaves, which need not be the dict's.
    order = keras.tree.flatten({one: one for one in features})
    columns = [Filled(one, features[one].dtype, features[one].shape, features[one].fields) for one in order]
    weights = _weights(parameters)
    predicted, names = _outputs(function, weights, features, labels, single_label, outputs)
    losses: dict[str, OutputLoss] = {}
    described = []
    for one, given in labels.items():
        output = next((column for column in predicted if column.name == one), predicted[0])
        if output.name in losses:
            raise ExportError(
                f"two labels belong to output {output.name!r}; name each as its output, which are "
                f"{[column.name for column in predicted]}"
            )
        losses[output.name] = _loss(function, task, from_logits, given, output)
        bounds = losses[output.name].range
        described.append(Label(one, given.dtype, given.shape, given.fields, output.name, bounds))
    inputs = Inputs(columns, dict.fromkeys(order))
    objective = Objective({}, [])
    return (
        FunctionModel(
            function, inputs, predicted, described, None, objective, weights, (), (), single_label, names
        ),
        losses,
    )  # fmt: skip


def trace(model: FunctionModel) -> Traced:
    """The graph of the function with its gradients; its parameters are placeholders."""
    traced = Traced()

    def step() -> list[Any]:
        batch = {}
        for prefix, columns in model.groups():
            for column, node in zip(columns, node_names(prefix, [one.name for one in columns]), strict=True):
                tensor = tf.compat.v1.placeholder(column.dtype, (None, *column.shape), node)
                batch[column.name], traced.columns[column.name] = tensor, tensor.name
                traced.by_row.append(tensor.name)
        values = {one.name: tf.compat.v1.placeholder(one.dtype, one.shape, one.node) for one in model.parameters}
        traced.weights = {name: value.name for name, value in values.items()}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(values.values()))
            predictions, loss = model.call(values, batch)
        for output, tensor in zip(model.outputs, predictions, strict=True):
            node = node_names("predict", [output.name])[0]
            traced.predict[output.name] = traced.train[output.name] = tf.identity(tensor, node).name
        traced.repeated += list(traced.predict.values()) if len(model.outputs) > 1 else []
        traced.train_loss = tf.identity(loss, "train/loss").name
        traced.evaluate_loss = tf.identity(loss, "evaluate/loss").name
        for weight, gradient in zip(model.parameters, tape.gradient(loss, list(values.values())), strict=True):
            if gradient is None:
                raise ExportError(
                    f"parameter {weight.name!r} has no gradient: the loss does not depend on it, or passes an op "
                    "without one; take it out, or write it into the function as a constant"
                )
            dense = tf.ensure_shape(tf.convert_to_tensor(gradient), weight.shape)
            traced.gradients[weight.name] = tf.identity(dense, node_names("train/gradient", [weight.name])[0]).name
        return []

    graph = _traced(model.keras, step)
    traced.graph_def = graph.as_graph_def()
    traced.captures = {inside.op.name: outside for outside, inside in graph.captures}
    _refuse_label_in_predictions(model, traced)
    return traced


def _given(name: str, value: Any) -> Given:
    fields: tuple[str, ...] = (name,)
    if isinstance(value, tuple):
        if len(value) != 2:
            raise ExportError(f"{name!r} is given as a tuple of {len(value)}; give (spec or array, fields)")
        value, fields = value[0], fields_of(value[1])
    if isinstance(value, tf.TensorSpec):
        if value.shape.rank is None or value.shape.rank < 1 or value.shape[0] is not None:
            raise ExportError(
                f"{name!r} has the spec {value.shape}, but rows are counted first; make it tf.TensorSpec([None, ...])"
            )
        if not value.shape[1:].is_fully_defined():
            raise ExportError(f"{name!r} has the spec {value.shape}, with a size left open; a row has one shape")
        return Given(value.dtype.name, tuple(value.shape[1:]), fields)
    rows = np.asarray(value)
    if rows.ndim < 1 or not len(rows):
        raise ExportError(f"{name!r} has no rows; give a tf.TensorSpec, or an array with at least one row")
    if rows.dtype.kind in "OSU":
        return Given("string", rows.shape[1:], fields, rows)
    if rows.dtype == np.float64:
        # What NumPy makes of Python numbers; who means it gives a spec.
        rows = rows.astype("float32")
    return Given(rows.dtype.name, rows.shape[1:], fields, rows)


def _weights(parameters: Mapping[str, Any]) -> list[Weight]:
    if not isinstance(parameters, Mapping) or not parameters:
        raise ExportError("`parameters` is a dict of arrays by name, and needs at least one")
    weights = []
    names = [str(name) for name in parameters]
    if len(set(names)) < len(names):
        raise ExportError("two parameters have one name")
    for name, node, value in zip(names, node_names("parameter", names), parameters.values(), strict=True):
        array = np.asarray(value)
        if array.dtype.kind != "f" or array.dtype.itemsize < 4:
            raise ExportError(f"parameter {name!r} is {array.dtype}, but parameters are float32; cast it")
        if any(size < 1 for size in array.shape) or not np.all(np.isfinite(array)):
            raise ExportError(f"parameter {name!r} is empty or not finite; start from finite numbers")
        variable = Parameter(name, tf.Variable(array.astype("float32"), name="parameter"))
        weights.append(Weight(name, node, variable, "float32", array.shape, "statistic"))
    return weights


def _outputs(
    function: Function,
    weights: Sequence[Weight],
    features: Mapping[str, Given],
    labels: Mapping[str, Given],
    single_label: bool,
    outputs: str | Sequence[str] | None,
) -> tuple[list[Column], list[str]]:
    """The outputs, and the names of a structure of them that has none."""
    found: list[Any] = []

    def call() -> list[Any]:
        tensors = {
            kind: {name: tf.compat.v1.placeholder(given.dtype, (None, *given.shape)) for name, given in columns.items()}
            for kind, columns in (("features", features), ("labels", labels))
        }
        values = {weight.name: tf.compat.v1.placeholder(weight.dtype, weight.shape) for weight in weights}
        label = next(iter(tensors["labels"].values())) if single_label else tensors["labels"]
        loss, predictions = _called(function, values, tensors["features"], label)
        if not tf.is_tensor(loss) or loss.shape.rank != 0 or loss.dtype != tf.float32:
            raise ExportError(f"the loss of {function.name} is {loss!r}, but it must be a float32 scalar")
        found.append(predictions)
        return []

    _traced(function, call)
    names = _names(found[0], outputs)
    columns = []
    for name, tensor in _by_name(found[0], names).items():
        shape = tuple(tensor.shape) if tensor.shape.rank is not None else ()
        if not shape or shape[0] is not None or any(size is None for size in shape[1:]):
            raise ExportError(
                f"output {name!r} has shape {tensor.shape}, but has one row for each row of the batch, first, and "
                "sizes that are known; reshape it, such as to [-1, 1]"
            )
        columns.append(Column(name, tensor.dtype.name, shape[1:]))
    return columns, names


def _called(function: Function, parameters: Any, features: Any, label: Any) -> tuple[Any, Any]:
    result = function.call(parameters, features, label)
    if not isinstance(result, tuple) or len(result) != 2:
        raise ExportError(f"{function.name} returns {type(result).__name__}; return a tuple (loss, predictions)")
    return result


def _names(predictions: Any, outputs: str | Sequence[str] | None) -> list[str]:
    if isinstance(predictions, Mapping):
        if outputs is not None and set(outputs) != set(predictions):
            raise ExportError(f"`outputs` are {outputs!r}, but the function names them {list(predictions)}")
        return [str(name) for name in predictions]
    count = len(predictions) if isinstance(predictions, (list, tuple)) else 1
    if outputs is None:
        return ["output"] if count == 1 else [f"output_{i}" for i in range(count)]
    names = [outputs] if isinstance(outputs, str) else [str(name) for name in outputs]
    if len(names) != count or unique(names) != names:
        raise ExportError(f"`outputs` are {names}, but the function gives {count}; name each of them once")
    return names


def _by_name(predictions: Any, names: Sequence[str]) -> dict[str, Any]:
    if isinstance(predictions, Mapping):
        return {name: tf.convert_to_tensor(predictions[name]) for name in names}
    listed = predictions if isinstance(predictions, (list, tuple)) else [predictions]
    return {name: tf.convert_to_tensor(one) for name, one in zip(names, listed, strict=True)}


def _loss(function: Function, task: str, from_logits: bool, given: Given, output: Column) -> OutputLoss:
    """What the task says of the labels, in the words of a Keras loss."""
    labels, bounds, kind = "normal", None, function.name
    if task == "binary_classification":
        labels, bounds, kind = "binary", (0.0, 1.0), "binary_crossentropy"
    elif task == "multiclass_classification":
        kind = "categorical_crossentropy"
        if not output.shape:
            raise ExportError(f"output {output.name!r} has one value a row, but several classes need one each")
        whole = given.shape == output.shape[:-1]
        labels = "class" if whole else "one_hot"
        bounds = (0.0, float(output.shape[-1] - 1)) if whole else (0.0, 1.0)
    return OutputLoss(None, kind, task, from_logits, given.dtype, given.shape, bounds, labels)


def _traced(function: Function, step: Callable[[], list[Any]]) -> Any:
    try:
        return tf.function(step, autograph=False).get_concrete_function().graph
    except ExportError:
        raise
    except Exception as error:
        line = next((one.strip() for one in str(error).splitlines() if one.strip()), type(error).__name__)
        raise ExportError(f"{function.name} cannot be traced: {line}") from error


def _refuse_label_in_predictions(model: FunctionModel, traced: Traced) -> None:
    inputs = {node.name: [one.lstrip("^").partition(":")[0] for one in node.input] for node in traced.graph_def.node}
    labels = {traced.columns[label.name].partition(":")[0]: label.name for label in model.labels}
    for output, tensor in traced.predict.items():
        seen, wanted = set(), [tensor.partition(":")[0]]
        while wanted:
            node = wanted.pop()
            if node in labels:
                raise ExportError(
                    f"output {output!r} depends on the label {labels[node]!r}, which nobody has when a prediction is "
                    "made; compute it from parameters and features alone"
                )
            if node not in seen:
                seen.add(node)
                wanted.extend(inputs[node])
