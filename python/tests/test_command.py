import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from streamgrad import command


@pytest.fixture
def saved(tmp_path):
    """A compiled model in a file, which has learned a little."""
    model = keras.Sequential([keras.Input((2,), name="numbers"), keras.layers.Dense(1, "sigmoid", name="p")], name="m")
    model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy")
    model.train_on_batch(np.ones((1, 2), "float32"), np.ones((1, 1), "float32"))
    path = tmp_path / "model.keras"
    model.save(path)
    return path


def manifest(folder):
    return json.loads((folder / "bundle.json").read_text(encoding="utf-8"))


def run(*arguments):
    command.main([str(argument) for argument in arguments])


def test_a_saved_model_becomes_a_bundle(saved, tmp_path):
    folder = tmp_path / "flights.bundle"
    run(
        "export", saved, folder, "--loss", "binary_crossentropy", "--optimizer", "adagrad", "--learning-rate", "0.05",
        "--metrics", "auc", "accuracy", "--features", '{"numbers": ["hour", "distance"]}', "--label", "late",
    )  # fmt: skip
    written = manifest(folder)
    assert written["features"][0]["fields"] == ["hour", "distance"]
    assert written["labels"][0]["fields"] == ["late"]
    assert (written["optimizer"]["rule"], written["optimizer"]["learning_rate"]) == ("adagrad", 0.05)
    assert [metric["kind"] for metric in written["metrics"]] == ["auc", "accuracy"]


def test_loss_and_optimizer_are_those_it_was_compiled_with(saved, tmp_path):
    run("export", saved, tmp_path / "a.bundle")
    written = manifest(tmp_path / "a.bundle")
    assert written["loss"]["name"] == "binary_crossentropy"
    assert (written["optimizer"]["rule"], written["optimizer"]["learning_rate"]) == ("adam", 0.003)


def test_json_from_a_file_and_as_keras_serializes_it(saved, tmp_path):
    features = tmp_path / "features.json"
    features.write_text('{"numbers": ["a", "b"]}', encoding="utf-8")
    loss = json.dumps(keras.losses.serialize(keras.losses.BinaryCrossentropy(from_logits=True)))
    run("export", saved, tmp_path / "a.bundle", "--loss", loss, "--features", features, "--metrics", "auc")
    written = manifest(tmp_path / "a.bundle")
    assert written["features"][0]["fields"] == ["a", "b"]
    assert written["metrics"][0]["from_logits"] is True


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.keras", "x.bundle"], "missing.keras is no file; give one that model.save wrote"),
        (["MODEL", "x.bundle", "--loss", "nonsense"], "'nonsense' is no Keras loss"),
        (["MODEL", "x.bundle", "--optimizer", "nonsense"], "'nonsense' is no Keras optimizer"),
        (["MODEL", "x.bundle", "--features", '{"other": "x"}'], "the model's inputs are ['numbers']"),
        (["MODEL", "MODEL"], "exists; give another path"),
    ],
)
def test_errors_take_one_line_and_code_1(arguments, says, saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        run("export", *[saved if one == "MODEL" else one for one in arguments])
    assert says in caught.value.code
    assert "\n" not in caught.value.code
    assert not (tmp_path / "x.bundle").exists()


def test_a_file_that_keras_cannot_read(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"nothing")
    with pytest.raises(SystemExit) as caught:
        run("export", path, tmp_path / "x.bundle")
    assert "cannot be loaded by Keras" in caught.value.code


def test_the_process_ends_with_the_code_and_without_a_traceback(tmp_path):
    source = str(Path(__file__).resolve().parents[1] / "src")
    done = subprocess.run(
        [sys.executable, "-m", "streamgrad", "export", "missing.keras", "x.bundle"],
        cwd=tmp_path, env={"PYTHONPATH": source, "TF_CPP_MIN_LOG_LEVEL": "3"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("error: missing.keras is no file")
    assert "Traceback" not in done.stderr


def test_json_that_is_none_is_a_wrong_use(saved, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        run("export", saved, tmp_path / "x.bundle", "--features", "{")
    assert caught.value.code == 2
    assert "no JSON" in capsys.readouterr().err
