import hashlib
import stat

import pytest

import streamgrad
from streamgrad import bundle


def test_an_existing_bundle_is_refused_and_left_alone(tmp_path, linear):
    path = tmp_path / "m.bundle"
    streamgrad.export(linear, path, loss="mse", optimizer="sgd")
    before = (path / "bundle.json").read_bytes()
    with pytest.raises(streamgrad.ExportError, match="overwrite=True"):
        streamgrad.export(linear, path, loss="mse", optimizer="adam")
    assert (path / "bundle.json").read_bytes() == before
    streamgrad.export(linear, path, loss="mse", optimizer="adam", overwrite=True)
    assert b'"adam"' in (path / "bundle.json").read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["m.bundle"]


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_overwrite_spares_what_is_no_bundle(kind, tmp_path, linear):
    path, other = tmp_path / "precious", tmp_path / "other"
    if kind == "file":
        path.write_text("mine")
    elif kind == "folder":
        path.mkdir()
        (path / "thesis.txt").write_text("mine")
    else:
        other.mkdir()
        path.symlink_to(other)
    with pytest.raises(streamgrad.ExportError, match="is not a bundle"):
        streamgrad.export(linear, path, loss="mse", optimizer="sgd", overwrite=True)
    assert path.exists()


def test_a_failure_leaves_nothing_and_keeps_the_old(tmp_path):
    path = tmp_path / "m.bundle"
    path.mkdir()
    (path / "bundle.json").write_text("old")
    with pytest.raises(RuntimeError, match="midway"), bundle.replacing(path, overwrite=True) as folder:
        (folder / "graph.pb").write_text("half")
        raise RuntimeError("midway")
    assert [file.name for file in tmp_path.iterdir()] == ["m.bundle"]
    assert (path / "bundle.json").read_text() == "old"


def test_manifest_holds_the_hashes_of_the_files(export, linear):
    manifest = export(linear)
    assert set(manifest["files"]) == {"graph.pb", "initial.safetensors", "serving.pb"}
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((manifest["folder"] / name).read_bytes()).hexdigest() == digest


def test_two_exports_of_one_model_are_the_same_bytes(tmp_path, linear):
    for name in ("a", "b"):
        streamgrad.export(linear, tmp_path / name, loss="mse", optimizer="sgd")
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name


def test_others_may_read_it(export, linear):
    folder = export(linear)["folder"]
    assert stat.S_IMODE(folder.stat().st_mode) & 0o500 == 0o500
    assert len({stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}) == 1
