"""The one error of this package."""


class ExportError(ValueError):
    """A model, or what was asked for it, cannot become a bundle.

    The message names the thing (layer, parameter, argument) and says what to do about it.
    """
