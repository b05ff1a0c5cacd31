"""The format of onlearning, a C++ project on TensorFlow 1.15 that came before: a frozen-in-place graph and a JSON.

The graph holds variables, the placeholders `input_x` and `input_y` (`float32`, ids too), `logits`, `loss`, the node
`ws_init` that initializes the variables, a node `d-<variable>` with the gradient of each, and scalars to observe. The
JSON beside it says which, and the learning rate. Streamgrad's trainers open the JSON as they open a bundle.
"""

from streamgrad.ancestor.models import MODELS, AncestorModel
from streamgrad.ancestor.template import write

__all__ = ["MODELS", "AncestorModel", "write"]
