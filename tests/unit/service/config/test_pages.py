# SPDX-License-Identifier: Apache-2.0
"""Schema, reference and examples say the same as the structs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from runner.docstring import attributes
from runner.schema import schema
from runner.service.config.reference import document
from tests.support.packhouse import Packhouse
from tests.support.readme import readme_configuration

PROJECT = Path(__file__).resolve().parents[4]
EXAMPLES = sorted((PROJECT / "examples").glob("packhouse*.yaml"))
SCHEMA = json.loads(schema("packhouse"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture
def packhouse(tmp_path: Path) -> Packhouse:
    return Packhouse(tmp_path, tmp_path / "store")


def accepts(text: str) -> bool:
    return bool(VALIDATOR.is_valid(yaml.safe_load(text)))


def test_the_reference_is_up_to_date() -> None:
    """``make docs`` writes it anew."""
    assert (PROJECT / "docs/configuration.md").read_text(encoding="utf-8") == document()


def test_every_key_has_a_text() -> None:
    silent = [
        f"{name}.{key}"
        for name, definition in SCHEMA["$defs"].items()
        for key, node in definition["properties"].items()
        if not node.get("description")
    ]
    assert silent == []


def test_a_docstring_is_taken_apart() -> None:
    section = "    Attributes:\n        a_b: one\n            and two.\n        c: x.\n"
    told = attributes(f"What it is:\n\n    more of ``it``.\n\n{section}")
    assert told.summary == "What it is:\n\nmore of `it`."
    assert told.texts == {"a_b": "one and two.", "c": "x."}
    assert attributes("") == ("", {})


def test_the_readme_is_right(tmp_path: Path, packhouse: Packhouse) -> None:
    path = tmp_path / "packhouse.yaml"
    path.write_text(yaml.safe_dump(readme_configuration()))
    assert packhouse.run("config", "check", "--no-files", path).json["valid"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_right(example: Path, packhouse: Packhouse) -> None:
    assert packhouse.run("config", "check", "--no-files", example).json["valid"]
    tool = Path(sys.executable).with_name("check-jsonschema")
    committed = PROJECT / "docs/schema/packhouse.schema.json"
    subprocess.run([tool, "--schemafile", committed, example], check=True, capture_output=True)
    first = example.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")[2]
    assert (example.parent / first).resolve() == committed


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("limits: {time: 5m, log: 1K, memory: 17}", True),
        ("limits: {time: 5 min}", False),
        ("limits: {time: 0}", False),
        ("limits: {log: -1}", False),
        ("listn: x", False),
        ("repositories: {a b: {url: https://h/x}}", False),
        ("repositories: {a: {webhook: {forge: github, secrets: []}, url: https://h/x}}", False),
        ("repositories: {a: {}}", False),
    ],
)
def test_an_editor_sees_most_mistakes(text: str, valid: bool) -> None:  # noqa: FBT001  # a parameter
    assert accepts(text) == valid


def test_config_check(packhouse: Packhouse) -> None:
    path = packhouse.home() / "packhouse.yaml"
    path.write_text("listen: x\nsecrets: {a: {env: GONE}}\n")
    wrong = packhouse.run("config", "check", expect=2).json
    assert wrong == {
        "file": "packhouse.yaml",
        "valid": False,
        "problems": [
            {
                "key": "listen",
                "line": 1,
                "message": "must be HOST:PORT, such as 127.0.0.1:8080 or [::]:8080",
                "hint": None,
            }
        ],
    }
    path.write_text("secrets: {a: {env: GONE}}\n")
    assert packhouse.run("config", "check").json == {"file": "packhouse.yaml", "valid": True, "problems": []}
    assert packhouse.run("config", "check", "--secrets", expect=2).json["problems"][0]["key"] == "secrets.a"
    packhouse.run("config", "check", "--secrets", env={"GONE": "CANARY"})


def test_config_check_without_a_file(packhouse: Packhouse) -> None:
    assert packhouse.run("config", "check", "gone.yaml", expect=2).error["kind"] == "usage"


def test_config_show_has_every_default(packhouse: Packhouse) -> None:
    shown = packhouse.run("config", "show", EXAMPLES[0]).json
    assert shown["worker"]["heartbeat"] == 10
    assert shown["limits"]["time"] == 10800
