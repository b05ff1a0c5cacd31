"""Fails on a dependency whose licence or source is not allowed: Rust by deny.toml, Python and Java by .ci/licences.toml.

Reads what is installed or locked, so it needs no network. Advisories need RustSec's database, thus the network and a
current cargo-deny: where both are there they are checked, else this says that they were not.
"""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def allows(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression can be met with allowed licences only; crates of old write `/` for OR."""
    tokens = re.findall(r"\(|\)|[^\s()/]+|/", expression)
    position = 0

    def either() -> bool:
        nonlocal position
        result = both()
        while position < len(tokens) and tokens[position] in ("OR", "/"):
            position += 1
            right = both()
            result = result or right
        return result

    def both() -> bool:
        nonlocal position
        result = one()
        while position < len(tokens) and tokens[position] == "AND":
            position += 1
            right = one()
            result = result and right
        return result

    def one() -> bool:
        nonlocal position
        if position >= len(tokens):
            return False
        token = tokens[position]
        position += 1
        if token == "(":
            result = either()
            position += 1
            return result
        if position < len(tokens) and tokens[position] == "WITH":
            token = f"{token} WITH {tokens[position + 1]}"
            position += 2
        return token in allowed

    return either() and position == len(tokens)


def rust(deny: dict) -> list[str]:
    """Licences, bans and sources of the crates that are built for our platform."""
    target = deny["graph"]["targets"][0]
    command = [
        "cargo",
        "metadata",
        "--format-version=1",
        "--locked",
        "--all-features",
        f"--filter-platform={target}",
    ]
    packages = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)[
        "packages"
    ]
    allowed = set(deny["licenses"]["allow"])
    exceptions = {entry["crate"]: set(entry["allow"]) for entry in deny["licenses"]["exceptions"]}
    banned = {entry["crate"]: entry["reason"] for entry in deny["bans"]["deny"]}
    sources = {f"registry+{url}" for url in deny["sources"]["allow-registry"]}
    problems = []
    for package in packages:
        name = f"crate {package['name']} {package['version']}"
        licence = package["license"] or ""
        if not allows(licence, allowed | exceptions.get(package["name"], set())):
            problems.append(f"{name}: licence not allowed by deny.toml: {licence or 'none named'}")
        if package["name"] in banned:
            problems.append(f"{name}: banned by deny.toml: {banned[package['name']]}")
        if package["source"] is not None and package["source"] not in sources:
            problems.append(f"{name}: source not allowed by deny.toml: {package['source']}")
    return problems


def python(rules: dict) -> list[str]:
    """Licences of the packages in the lock file, and that what is installed is what is locked."""
    allowed, spelled, exceptions = set(rules["allow"]), rules["spelled"], rules["exceptions"]
    problems = []
    for line in (ROOT / "python" / "requirements.lock").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, _, version = line.partition("==")
        try:
            package = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"python package {line}: not installed, run `make .venv`")
            continue
        if package.version != version:
            problems.append(f"python package {line}: installed is {package.version}, run `make .venv`")
        if name in exceptions:
            continue
        classifiers = package.metadata.get_all("Classifier") or []
        named = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License :: OSI Approved :: ")]
        licence = package.metadata.get("License-Expression") or next(
            iter(named), package.metadata.get("License") or ""
        )
        if not allows(spelled.get(licence, licence), allowed):
            problems.append(
                f"python package {line}: licence not allowed by .ci/licences.toml: {licence or 'none named'}"
            )
    return problems


def java(rules: dict) -> list[str]:
    """What our jars need at run time: every dependency of ours that is neither `test` nor `provided`."""
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    problems = []
    for pom in sorted(ROOT.glob("java/**/pom.xml")):
        project = ElementTree.parse(pom).getroot()
        skipped = project.findtext("m:properties/m:maven.deploy.skip", "false", space) == "true"
        listed = rules["unpublished" if skipped else "published"]
        for entry in project.findall("m:dependencies/m:dependency", space):
            group, artifact = (entry.findtext(f"m:{tag}", "", space) for tag in ("groupId", "artifactId"))
            if entry.findtext("m:scope", "compile", space) in ("test", "provided"):
                continue
            if not {f"{group}:{artifact}", f"{group}:*"} & listed.keys():
                where = pom.relative_to(ROOT)
                problems.append(
                    f"java artifact {group}:{artifact} in {where}: not listed in .ci/licences.toml"
                )
    return problems


def advisories() -> str | None:
    """Why RustSec's advisories were not checked, or None; a hit ends the program."""
    if shutil.which("cargo-deny") is None:
        return "no cargo-deny; `cargo install --locked cargo-deny` brings it"
    version = subprocess.run(
        ["cargo-deny", "--version"], check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    if tuple(map(int, version.split(".")[:2])) < (0, 18):
        return f"cargo-deny {version} is too old for this lock file; `cargo install --locked cargo-deny` brings a current one"
    if subprocess.run(["cargo", "deny", "fetch", "db"], cwd=ROOT, capture_output=True).returncode != 0:
        return "RustSec's database cannot be reached"
    if subprocess.run(["cargo", "deny", "check"], cwd=ROOT).returncode != 0:
        sys.exit("cargo deny found something, see above")
    return None


def main() -> None:
    deny = tomllib.loads((ROOT / "deny.toml").read_text())
    rules = tomllib.loads((ROOT / ".ci" / "licences.toml").read_text())
    problems = rust(deny) + python(rules["python"]) + java(rules["java"])
    if problems:
        sys.exit("\n".join(problems))
    unchecked = advisories()
    print(
        "licences, bans and sources hold;",
        f"advisories not checked: {unchecked}" if unchecked else "no advisory stands",
    )


if __name__ == "__main__":
    main()
