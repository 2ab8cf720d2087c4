# SPDX-License-Identifier: Apache-2.0
"""``packhouse validate`` in every form, and what it ends with."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from runner.cli.main import run
from runner.description.rules import RULES

if TYPE_CHECKING:
    from pathlib import Path

DESCRIPTION = """\
<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="8.5" name="tiny">
  <description type="system">
    <author>A</author><contact>c@example.org</contact><specification>S</specification>
  </description>
  <preferences>
    <version>{version}</version><packagemanager>apt</packagemanager><type image="tbz"/>
  </preferences>
  <repository type="apt-deb"><source path="https://host/flat"/></repository>
  <packages type="image">
    <package name="bash"/>{packages}
  </packages>
</image>
"""
CLEAN = DESCRIPTION.format(version="1.0.0", packages="")
DOUBTFUL = DESCRIPTION.format(version="1.0", packages="")
WRONG = DESCRIPTION.format(version="1.0", packages='<archive name="100%, gone.tar"/>')
INVALID = DESCRIPTION.format(version="1.0.0", packages='<package nam="x"/>\n<nothing/>')


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PACKHOUSE_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "images" / "tiny"
    folder.mkdir(parents=True)
    return folder


def validate(folder: Path, text: str, *options: str) -> int:
    (folder / "config.xml").write_text(text)
    return run(["validate", "images/tiny", *options])


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        (CLEAN, [], 0),
        (CLEAN, ["--strict"], 0),
        (DOUBTFUL, [], 0),
        (DOUBTFUL, ["--strict"], 1),
        (WRONG, [], 1),
        (INVALID, [], 1),
        ("<image", [], 2),
        (CLEAN, ["--kiwi-file", "gone.kiwi"], 2),
        (CLEAN, ["--format", "none"], 2),
    ],
)
def test_what_it_ends_with(folder: Path, text: str, options: list[str], code: int) -> None:
    assert validate(folder, text, *options) == code


def test_a_source_that_is_not_there_cannot_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", str(folder / "gone")]) == 2
    assert "gone" in capsys.readouterr().err


def test_lines_are_those_of_compilers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validate(folder, WRONG)
    said = capsys.readouterr().out
    assert "images/tiny/config.xml:6: warning[image_version_three_parts]: version 1.0 is not" in said
    assert "images/tiny/config.xml:11: error[file_present]: there is no file 100%, gone.tar" in said
    assert said.endswith("1 error, 1 warning\n")


def test_all_errors_of_the_schema_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validate(folder, INVALID)
    lines = re.findall(
        r"^images/tiny/config.xml:(\d+): error\[schema_\w+\]", capsys.readouterr().out, re.MULTILINE
    )
    assert {"11", "12"} <= set(lines)


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validate(folder, WRONG, "--json")
    said = json.loads(capsys.readouterr().out)
    assert said["valid"] is False
    assert [(item["id"], item["line"]) for item in said["findings"]] == [
        ("image_version_three_parts", 6),
        ("file_present", 11),
    ]


def test_sarif_has_the_fields_that_code_scanning_needs(folder: Path) -> None:
    assert validate(folder, WRONG, "--format", "sarif", "--output", "findings.sarif") == 1
    log = json.loads((folder.parents[1] / "findings.sarif").read_text())
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run_,) = log["runs"]
    rules = run_["tool"]["driver"]["rules"]
    assert len(rules) == len(RULES)
    assert {rule["defaultConfiguration"]["level"] for rule in rules} == {"error", "warning", "note"}
    warning, error = run_["results"]
    assert rules[error["ruleIndex"]]["id"] == error["ruleId"] == "file_present"
    assert (warning["level"], error["level"]) == ("warning", "error")
    place = error["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("images/tiny/config.xml", 11)
    assert warning["partialFingerprints"] != error["partialFingerprints"]


def test_the_same_finding_is_known_again_on_another_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prints = []
    for text in (WRONG, WRONG.replace("<packages", "\n\n<packages")):
        validate(folder, text, "--format", "sarif")
        results = json.loads(capsys.readouterr().out)["runs"][0]["results"]
        prints.append([result["partialFingerprints"] for result in results])
    assert prints[0] == prints[1]


def test_schema_errors_have_a_rule_in_sarif(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validate(folder, INVALID, "--format", "sarif")
    (run_,) = json.loads(capsys.readouterr().out)["runs"]
    ids = [rule["id"] for rule in run_["tool"]["driver"]["rules"]]
    assert all(ids[result["ruleIndex"]] == result["ruleId"] for result in run_["results"])


def test_commands_of_github_actions_are_escaped(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validate(folder, WRONG, "--format", "github")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("::warning file=images/tiny/config.xml,title=image_version_three_parts,line=6::")
    assert lines[1].startswith("::error file=")
    assert "100%25, gone.tar beside the description%0Ato fix:" in lines[1]


def test_nothing_is_said_of_a_sound_description_in_machine_forms(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    validate(folder, CLEAN, "--format", "github")
    assert not capsys.readouterr().out
    validate(folder, CLEAN)
    assert capsys.readouterr().out == "the description is valid\n"


def test_errors_stop_a_build_before_anything_is_fetched(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "config.xml").write_text(WRONG)
    assert run(["build", "images/tiny"]) == 4
    assert "gone.tar" in capsys.readouterr().err
    assert run(["plan", "images/tiny"]) == 0
