#!/usr/bin/env bash
# The oldest TensorFlow that is promised runs what today's Keras exported, and gives Keras' numbers: the tests of parity, transforms and
# SavedModels, read and written, with the library of another wheel. Needs `make peer`; the wheel (210 MB) comes from PyPI, once.
set -euo pipefail

cd "$(dirname "$0")/.."
version=2.18.0
folder=$PWD/target/tensorflow-$version
python=.venv/bin/python

if [ ! -e "$folder/libtensorflow_cc.so.2" ]; then
    echo "older tensorflow: fetching $version from PyPI (210 MB, once)"
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
        --platform manylinux_2_17_x86_64 -d "$folder" "tensorflow-cpu==$version"
    "$python" - "$folder" <<'PYTHON'
import sys
import zipfile
from pathlib import Path

folder = Path(sys.argv[1])
wheel = next(folder.glob("*.whl"))
with zipfile.ZipFile(wheel) as archive:
    for name in ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2"):
        with archive.open(f"tensorflow/{name}") as source, (folder / f"{name}.part").open("wb") as copy:
            while piece := source.read(1 << 20):
                copy.write(piece)
        (folder / f"{name}.part").rename(folder / name)
wheel.unlink()
PYTHON
fi
STREAMGRAD_TENSORFLOW=$folder/libtensorflow_cc.so.2 cargo test --quiet --locked --all-features \
    --test parity --test model --test transforms --test saved_model --test export
