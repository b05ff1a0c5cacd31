"""Prints the licences of the crates that are linked in with these features: `python packages/notices.py cli >THIRD-PARTY.txt`."""

import json
import re
import subprocess
import sys
from pathlib import Path

PLATFORM = "x86_64-unknown-linux-gnu"
TEXT = re.compile(r"(licen[cs]e|copying|copyright|notice)", re.IGNORECASE)


def linked(features: list[str]) -> list[dict]:
    """The packages that library and command consist of, besides our own: neither build scripts nor macros are in it."""
    command = ["cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={PLATFORM}"]
    command += ["--features", ",".join(features)]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    found, waiting = set(), [root]
    while waiting:
        package = waiting.pop()
        if package in found or any("proc-macro" in target["kind"] for target in packages[package]["targets"]):
            continue
        found.add(package)
        for dependency in nodes[package]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return sorted(
        (packages[package] for package in found - {root}),
        key=lambda package: (package["name"], package["version"]),
    )


def texts(package: dict) -> list[str]:
    """What the authors want to be handed on."""
    folder = Path(package["manifest_path"]).parent
    files = sorted(
        path for path in folder.iterdir() if path.is_file() and TEXT.match(path.name) and path.suffix != ".rs"
    )
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in files]


def main() -> None:
    """Writes each licence once, below the crates that it is of."""
    packages = linked(sys.argv[1:])
    print(
        "Streamgrad contains Rust's standard library (MIT OR Apache-2.0) and these crates. Below them their licences,"
    )
    print(
        "each once, with the names of those that it comes with; what brings no text is under that of its licence's name.\n"
    )
    owners: dict[str, list[str]] = {}
    for package in packages:
        name = f"{package['name']} {package['version']}"
        print(f"{name}: {package['license']}")
        for text in texts(package):
            owners.setdefault(text, []).append(name)
    for text, names in owners.items():
        print(f"\n{'=' * 100}\n{', '.join(names)}\n{'=' * 100}\n\n{text}")


if __name__ == "__main__":
    main()
