"""The command `python -m streamgrad`: a model in a file becomes a bundle."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import keras

from streamgrad.errors import ExportError
from streamgrad.export import export

_EPILOG = """\
examples:
  python -m streamgrad export model.keras flights.bundle --loss binary_crossentropy --optimizer adagrad \\
      --learning-rate 0.05 --metrics auc --features '{"numbers": ["hour", "distance"]}' --label late
  python -m streamgrad export model.keras flights.bundle     # loss and optimizer that it was compiled with

Wherever a name is taken, JSON is taken too, or a file of it (*.json), as Keras serializes it:
  --loss '{"class_name": "BinaryCrossentropy", "config": {"from_logits": true}}'
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command; ends the process with code 1 and one line on standard error where it fails."""
    options = _parser().parse_args(arguments)
    try:
        _export(options)
    except ExportError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or options.bundle}: {error.strerror or error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("streamgrad", description="Makes bundles for Streamgrad.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "export",
        help="write a saved Keras model as a bundle",
        description="Writes a Keras model, trained or not, as a bundle: a folder that a Streamgrad trainer opens.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("model", type=Path, metavar="MODEL", help="a file that model.save wrote: *.keras or *.h5")
    command.add_argument("bundle", type=Path, metavar="BUNDLE", help="the folder to make")
    command.add_argument(
        "--loss", type=_value, help="a Keras loss, such as binary_crossentropy or mse; as compiled where left out"
    )
    command.add_argument(
        "--optimizer", type=_value, help="a Keras optimizer, such as adagrad; as compiled, started anew, where left out"
    )
    command.add_argument("--learning-rate", type=float, metavar="X", help="another than that of the optimizer")
    command.add_argument("--metrics", type=_value, nargs="+", default=[], metavar="NAME", help="such as: auc accuracy")
    command.add_argument(
        "--features", type=_value, metavar="JSON", help="the record's fields by input; as the input is named by default"
    )
    command.add_argument(
        "--label", type=_value, default="label", metavar="FIELD", help="the record's field with the label (label)"
    )
    command.add_argument("--sample-weight", metavar="FIELD", help="the record's field with a weight, if it has one")
    command.add_argument("--overwrite", action="store_true", help="replace a bundle that is there")
    return parser


def _value(text: str) -> Any:
    """A name as it is, or what JSON says, given here or in a file."""
    if text.endswith(".json"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except OSError as error:
            raise argparse.ArgumentTypeError(f"{text} cannot be read: {error.strerror}") from error
    elif not text.lstrip().startswith(("{", "[", '"')):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"no JSON: {error}") from error


def _export(options: argparse.Namespace) -> None:
    model = _load(options.model)
    metrics = options.metrics
    export(
        model,
        options.bundle,
        loss=_compiled(model, "loss") if options.loss is None else options.loss,
        optimizer=_optimizer(model, options.optimizer, options.learning_rate),
        # One dict of them is by output.
        metrics=metrics[0] if len(metrics) == 1 and isinstance(metrics[0], (dict, list)) else metrics,
        features=options.features,
        label=options.label,
        sample_weight=options.sample_weight or False,
        overwrite=options.overwrite,
    )


def _load(path: Path) -> Any:
    if not path.is_file():
        raise ExportError(f"{path} is no file; give one that model.save wrote, such as model.keras")
    try:
        return keras.saving.load_model(path)
    except Exception as error:
        # Keras raises whatever its parts do, often over many lines.
        raise ExportError(
            f"{path} cannot be loaded by Keras: {_first_line(error)}; a model with code of its own is loaded in "
            "Python, and handed to streamgrad.export"
        ) from error


def _compiled(model: Any, what: str) -> Any:
    value = getattr(model, what, None)
    if value is None:
        raise ExportError(f"the model was saved without being compiled; give --{what}")
    return value


def _optimizer(model: Any, given: Any, rate: float | None) -> Any:
    """A fresh optimizer; the one that the model was compiled with has made steps, but a bundle begins at none."""
    if isinstance(given, dict) and "class_name" not in given:
        if rate is not None:
            raise ExportError("--learning-rate is for one optimizer; give those of a dict as JSON with their own")
        return given
    try:
        optimizer = keras.optimizers.get(_compiled(model, "optimizer") if given is None else given)
    except (ValueError, TypeError) as error:
        raise ExportError(f"{given!r} is no Keras optimizer: {_first_line(error)}") from error
    config = optimizer.get_config()
    if rate is not None:
        if "learning_rate" not in config:
            raise ExportError(f"{type(optimizer).__name__} has no learning rate of its own; leave --learning-rate out")
        config["learning_rate"] = rate
    return type(optimizer).from_config(config)


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _fail(message: str) -> NoReturn:
    sys.exit("error: " + " ".join(message.split()))
