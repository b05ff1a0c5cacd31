"""`.ci/machine` says what is missing, and how to get it, on a machine that has nothing; and nothing is missing here."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What every Linux has; all that the script itself uses.
ALWAYS = [
    "awk",
    "bash",
    "cat",
    "df",
    "dirname",
    "getconf",
    "grep",
    "head",
    "mktemp",
    "rm",
    "sed",
    "sort",
    "uname",
]


def machine(path: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PATH": path, "CC": "cc", "CXX": "c++"}
    command = [shutil.which("bash"), ROOT / ".ci" / "machine", "--lint"]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_a_machine_with_nothing_is_told_everything(tmp_path):
    for name in ALWAYS:
        (tmp_path / name).symlink_to(shutil.which(name))
    result = machine(str(tmp_path))
    assert result.returncode == 1
    for thing, remedy in [
        ("Rust 1.95 or newer", "rustup"),
        ("a C compiler", "apt install gcc"),
        ("a C++ compiler", "apt install g++"),
        ("a JDK, 17 or newer", "openjdk-17"),
        ("Maven 3.8 or newer", "apt install maven"),
        ("Python 3.11 or 3.12", "python3-venv"),
    ]:
        assert thing in result.stderr and remedy in result.stderr, result.stderr


def test_an_old_rust_is_told_what_to_do(tmp_path):
    (tmp_path / "rustc").write_text("#!/bin/sh\necho rustc 1.60.0\n")
    (tmp_path / "rustc").chmod(0o755)
    result = machine(f"{tmp_path}:{os.environ['PATH']}")
    assert result.returncode == 1
    assert "Rust 1.95 or newer (this is 1.60.0)" in result.stderr and "rustup update stable" in result.stderr


def test_this_machine_has_what_is_needed():
    result = machine(os.environ["PATH"])
    assert result.returncode == 0, result.stderr
