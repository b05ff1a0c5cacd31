"""The licence check of .ci/licences.py finds what is not allowed."""

import importlib.util
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
specification = importlib.util.spec_from_file_location("licences", ROOT / ".ci" / "licences.py")
licences = importlib.util.module_from_spec(specification)
specification.loader.exec_module(licences)

ALLOWED = {"Apache-2.0", "MIT", "Unicode-3.0"}


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("MIT/GPL-3.0", True),
        ("(MIT OR GPL-3.0-only) AND Unicode-3.0", True),
        ("GPL-3.0-only AND MIT", False),
        ("GPL-3.0-only OR (MIT AND LGPL-2.1-only)", False),
        ("Apache-2.0 WITH LLVM-exception", False),
        ("MIT MIT", False),
        ("", False),
    ],
)
def test_expressions(expression, allowed):
    assert licences.allows(expression, ALLOWED) is allowed


def test_a_crate_that_is_not_allowed_is_named():
    deny = tomllib.loads((ROOT / "deny.toml").read_text())
    assert licences.rust(deny) == []
    deny["licenses"]["allow"].remove("ISC")
    deny["bans"]["deny"].append({"crate": "libc", "reason": "to see it found"})
    deny["sources"]["allow-registry"] = []
    problems = "\n".join(licences.rust(deny))
    assert "crate libloading" in problems and "licence not allowed by deny.toml: ISC" in problems
    assert "banned by deny.toml: to see it found" in problems
    assert "source not allowed by deny.toml: registry+" in problems


def test_a_python_package_that_is_not_allowed_is_named():
    rules = tomllib.loads((ROOT / ".ci" / "licences.toml").read_text())["python"]
    assert licences.python(rules) == []
    rules["exceptions"] = {}
    assert any("certifi" in problem and "Mozilla" in problem for problem in licences.python(rules))


def test_a_java_artifact_that_is_not_listed_is_named(tmp_path, monkeypatch):
    dependency = "<dependency><groupId>{}</groupId><artifactId>a</artifactId><scope>{}</scope></dependency>"
    dependencies = dependency.format("org.example", "compile") + dependency.format("org.junit", "test")
    pom = f'<project xmlns="http://maven.apache.org/POM/4.0.0">{{}}<dependencies>{dependencies}</dependencies></project>'
    for module, properties in (
        ("core", ""),
        ("demo", "<properties><maven.deploy.skip>true</maven.deploy.skip></properties>"),
    ):
        (tmp_path / "java" / module).mkdir(parents=True)
        (tmp_path / "java" / module / "pom.xml").write_text(pom.format(properties))
    monkeypatch.setattr(licences, "ROOT", tmp_path)
    problems = licences.java(
        {"published": {"dev.streamgrad:*": "Apache-2.0"}, "unpublished": {"org.example:a": "MIT"}}
    )
    assert problems == ["java artifact org.example:a in java/core/pom.xml: not listed in .ci/licences.toml"]
