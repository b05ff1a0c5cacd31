"""Every block of code in the README runs, each inside a small program of tests/readme/ and all on the bundle that the first one exports.

Rust, C and Java feed the same rows, so they have to print the same loss.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
TENSORFLOW = next(
    Path(path, "tensorflow", "libtensorflow_cc.so.2")
    for path in sys.path
    if Path(path, "tensorflow").is_dir()
)
PYTHONPATH = ROOT / "python" / "src"
HARNESS = ROOT / "tests" / "readme"
MARK = "/* README */"


def blocks(text: str) -> list[tuple[str, str, str]]:
    """Each fenced block: the heading that it stands under, its language, its text."""
    found, heading, fence = [], "", None
    for line in text.splitlines():
        if fence is not None and line == "```":
            found.append((heading, fence[0], "\n".join(fence[1:]) + "\n"))
            fence = None
        elif fence is not None:
            fence.append(line)
        elif line.startswith("```"):
            fence = [line.removeprefix("```")]
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()
    return found


README = (ROOT / "README.md").read_text()
BLOCKS = {(heading, language): text for heading, language, text in blocks(README)}


def run(command: list, folder: Path) -> str:
    """What a program prints; its output and errors are shown if it fails."""
    environment = {"STREAMGRAD_TENSORFLOW": str(TENSORFLOW), **os.environ, "PYTHONPATH": str(PYTHONPATH)}
    words = [str(part) for part in command]
    result = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the bundle of the README's first block."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "export.py").write_text(BLOCKS["Python, once", "python"])
    run([sys.executable, "export.py"], folder)
    return folder


@pytest.fixture(scope="module")
def losses() -> dict[str, str]:
    """The loss that each language printed."""
    return {}


def test_every_block_is_tested():
    assert len(BLOCKS) == len(blocks(README)), "one block of a language under each heading"
    shown = {
        ("Two commands", "sh"),
        ("The command", "sh"),
        ("Python, once", "python"),
        ("Python, fields as records hold them", "python"),
        ("Rust", "rust"),
        ("C", "c"),
        ("Java", "java"),
        ("Java, predictions that follow", "java"),
    }
    flink = {
        ("Flink", "java"),
        ("Flink, labels that come later", "java"),
        ("Flink, a model that others train", "java"),
        ("Flink in production", "yaml"),
    }
    assert set(BLOCKS) == shown | flink


def test_the_commands_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE)
    assert named and set(named) <= targets


def test_python(folder):
    assert {"bundle.json", "graph.pb", "initial.safetensors"} <= {
        file.name for file in (folder / "flights.bundle").iterdir()
    }


def test_python_transforms(folder):
    (folder / "records.py").write_text(BLOCKS["Python, fields as records hold them", "python"])
    run([sys.executable, "records.py"], folder)
    manifest = json.loads((folder / "records.bundle" / "bundle.json").read_text())
    optional = {column["name"]: column.get("optional", False) for column in manifest["record"]}
    plain = dict.fromkeys(["distance", "sched_dep", "carrier", "origin", "dest"], False)
    assert optional == {"seats": True, **plain}


def test_rust(folder, losses):
    (folder / "main.rs").write_text((HARNESS / "rust.rs").read_text().replace(MARK, BLOCKS["Rust", "rust"]))
    library = ["--extern", f"streamgrad={TARGET}/libstreamgrad.rlib", "-L", f"dependency={TARGET}/deps"]
    run(["rustc", "--edition=2024", *library, "main.rs", "-o", "main-rust"], folder)
    printed = run(["./main-rust"], folder)
    losses["rust"] = re.fullmatch(r"(0\.\d{4}) 0\.\d{3}\n\[32, 1\]\n", printed).group(1)


def test_c(folder, losses):
    includes, _, rest = BLOCKS["C", "c"].partition("\n")
    program = (HARNESS / "c.c").read_text().replace("/* README: #include */", includes).replace(MARK, rest)
    (folder / "main.c").write_text(program)
    strict = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    run(["make", "--no-print-directory", "-C", ROOT, "install-files", f"PREFIX={folder}/prefix"], folder)
    library = ["-Iprefix/include", "-Lprefix/lib", "-lstreamgrad", f"-Wl,-rpath,{folder}/prefix/lib"]
    run([os.environ.get("CC", "cc"), *strict, "main.c", "-o", "main-c", *library], folder)
    losses["c"] = re.fullmatch(r"(0\.\d{4})\n", run(["./main-c"], folder)).group(1)


def test_java(folder, losses):
    (folder / "Java.java").write_text(
        (HARNESS / "Java.java").read_text().replace(MARK, BLOCKS["Java", "java"])
    )
    jar = ROOT / "java" / "streamgrad" / "target" / "streamgrad-0.1.0.jar"
    printed = run(["java", "-cp", jar, "Java.java"], folder)
    losses["java"] = re.fullmatch(r"(0\.\d{4}) 0\.\d{3}\n", printed).group(1)


def test_java_follows(folder):
    program = (HARNESS / "Following.java").read_text()
    (folder / "Following.java").write_text(
        program.replace(MARK, BLOCKS["Java, predictions that follow", "java"])
    )
    jar = ROOT / "java" / "streamgrad" / "target" / "streamgrad-0.1.0.jar"
    printed = run(["java", "-cp", jar, "Following.java"], folder)
    assert re.fullmatch(r"([0-9a-f]{16}-1) says 0\.\d+\n\1 of \S+, after 0 swaps\n", printed), printed


def test_the_languages_agree(losses):
    assert set(losses) == {"rust", "c", "java"} and len(set(losses.values())) == 1, losses


def test_flink(folder):
    program = (HARNESS / "Flink.java").read_text()
    program = program.replace("/* README: learn */", BLOCKS["Flink", "java"])
    program = program.replace("/* README: await */", BLOCKS["Flink, labels that come later", "java"])
    program = program.replace("/* README: predict */", BLOCKS["Flink, a model that others train", "java"])
    (folder / "Flink.java").write_text(program)
    (folder / "conf").mkdir()
    (folder / "conf" / "config.yaml").write_text(BLOCKS["Flink in production", "yaml"])
    target = ROOT / "java" / "streamgrad-flink" / "target"
    classes = f"{target}/streamgrad-flink-0.1.0.jar:{(target / 'classpath').read_text()}"
    run(
        [
            "javac",
            "-Xlint:all,-serial,-classfile,-processing",
            "-Werror",
            "-cp",
            classes,
            "-d",
            "classes",
            "Flink.java",
        ],
        folder,
    )
    printed = run(["java", "-cp", f"classes:{classes}", "Flink"], folder)
    # 96 flights of which one has a wind that is no number: 95 learned in two batches of 32 and one of 31.
    # Then 96 departures and their landings, each scored, learned in three batches. Then 95 flights, predicted twice,
    # while one update names a version that was saved and one names another.
    counts = "{awaited=192, awaited reports=3, followed=95, refused=1, rejected=1, reports=3, scored=95, steered=95}"
    assert printed.splitlines()[-1] == counts, printed
