"""The errors of this package."""


class ExportError(ValueError):
    """A model, or what was asked for it, cannot become a bundle.

    The message names the thing (layer, parameter, argument) and says what to do about it.
    """


class SnapshotError(ValueError):
    """What a trainer saved cannot be read, or not into this model. The message names the file or the weight."""
