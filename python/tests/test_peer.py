"""Ten steps beside Keras' own `train_on_batch`, with what the core's parity tests are fed."""

import fixtures
import pytest
import replay
from models import PEERS


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [*((name, "sgd") for name in PEERS), ("mlp", "adagrad"), ("mlp", "adam"), ("wide_deep", "groups")],
)
def test_learns_as_keras_does(name, optimizer, tmp_path):
    fixtures.write(tmp_path, name, PEERS[name](), optimizer)
    worst = replay.replay(tmp_path, f"{name}-{optimizer}")
    assert {"loss", "prediction", "prediction in training", "gradient"} <= set(worst)
    assert ("parameter" in worst) == (optimizer != "adam")
    assert max(worst.values()) <= replay.ALLOWED, worst
