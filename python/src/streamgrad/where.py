"""Where something went wrong: the layer behind an exception or a node."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import keras
from keras.src.backend.common import global_state


def failing_layer(model: Any, error: BaseException) -> str:
    """The innermost layer that was running when `error` was raised, which happened under `frames_kept`."""
    innermost = model
    trace = error.__traceback__
    while trace is not None:
        candidate = trace.tb_frame.f_locals.get("self")
        if isinstance(candidate, keras.Layer):
            innermost = candidate
        trace = trace.tb_next
    return named(model, innermost)


def layer_of(model: Any, node: str) -> str:
    """The innermost layer whose name scope a node is in."""
    by_name = {layer.name: layer for layer in model._flatten_layers()}
    innermost = model
    for scope in node.split("/")[:-1]:
        # The second and later calls of a layer are in scopes with a number at the end.
        innermost = by_name.get(scope, by_name.get(re.sub(r"_\d+$", "", scope), innermost))
    return named(model, innermost)


def named(model: Any, layer: Any) -> str:
    """A layer as error messages name it."""
    return f"{'model' if layer is model else 'layer'} {layer.name!r} ({type(layer).__name__})"


@contextlib.contextmanager
def frames_kept() -> Iterator[None]:
    """Keeps Keras from cutting its own frames out of tracebacks: they are what tells which layer failed.

    Also takes back the name scopes that Keras leaves open after some errors, and would put before the names of every
    layer that is made later.
    """
    filtered = keras.config.is_traceback_filtering_enabled()
    scopes = global_state.get_global_attribute("name_scope_stack", [], set_to_default=True)
    before = list(scopes)
    keras.config.disable_traceback_filtering()
    try:
        yield
    finally:
        scopes[:] = before
        if filtered:
            keras.config.enable_traceback_filtering()
