"""Keras layers that a bundle takes out of the graph."""

from streamgrad.layers.embedding import Embedding

__all__ = ["Embedding"]
