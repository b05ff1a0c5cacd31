"""Rows for the nine models, with something in them to learn: a plane, which half most ids are of, the brightest quarter."""

import keras
import numpy as np
from zoo import FIELDS, IDS, IMAGE, NUMBERS


def rows(
    model: keras.Model, random: np.random.Generator, count: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Features by name, and labels: 0 or 1, or the number of the class."""
    (name,) = [tensor.name for tensor in model.inputs]
    if name == "ids":
        ids = random.integers(0, IDS, (count, FIELDS))
        return {name: ids}, ((ids < IDS / 2).sum(1, keepdims=True) > FIELDS / 2).astype("float32")
    if name == "numbers":
        numbers = random.normal(size=(count, NUMBERS)).astype("float32")
        if model.output_shape[-1] == 1:
            return {name: numbers}, (numbers[:, :3].sum(1, keepdims=True) > 0).astype("float32")
        return {name: numbers}, np.argmax(numbers[:, :3], 1)
    images = random.normal(size=(count, IMAGE, IMAGE, 1)).astype("float32")
    quarters, half = random.integers(0, 4, count), IMAGE // 2
    for image, quarter in zip(images, quarters, strict=True):
        top, left = half * (quarter // 2), half * (quarter % 2)
        image[top : top + half, left : left + half] += 1.5
    return {name: images}, quarters


def loss(model: keras.Model) -> str:
    """The loss for these labels."""
    return "binary_crossentropy" if model.output_shape[-1] == 1 else "sparse_categorical_crossentropy"
