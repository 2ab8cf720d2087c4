# SPDX-License-Identifier: Apache-2.0
"""Overrides and the matrix as a user types them."""

from __future__ import annotations

import inspect
import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from runner.cli.main import run
from runner.cli.overrides import OPTIONS
from runner.plan.overrides import read_overrides

if TYPE_CHECKING:
    from pathlib import Path

DESCRIPTION = """\
<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="8.5" name="test">
  <description type="system"><author>A</author><contact>c</contact><specification>S</specification></description>
  <profiles><profile name="arm" description="" arch="aarch64"/></profiles>
  <preferences>
    <version>1.2.3</version><packagemanager>apt</packagemanager>
    <type image="tbz"/><type image="oem" filesystem="xfs" mdraid="mirroring"/>
  </preferences>
  <repository type="apt-deb"><source path="obs://Virt:Tools/Debian"/></repository>
  <users><user name="u" password="x" id="5" groups="g:7,h" home="/h"/></users>
</image>
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "description"
    place.mkdir()
    (place / "appliance.kiwi").write_text(DESCRIPTION, encoding="utf-8")
    monkeypatch.setenv("PACKHOUSE_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("PACKHOUSE_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return place


def as_json(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    capsys.readouterr()
    assert run(["--json", *argv]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_override_has_an_option() -> None:
    assert {name for _, name, _ in OPTIONS} == set(inspect.signature(read_overrides).parameters)


@pytest.mark.parametrize("command", ["plan", "lock", "prepare", "build", "matrix"])
def test_every_command_that_plans_takes_them(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    run([command, "--help"])
    shown = capsys.readouterr().out
    assert all(f"{option} " in shown for option, _, _ in OPTIONS)


def test_the_plan_is_as_the_options_say(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = [
        *(
            "plan",
            str(folder),
            "--type",
            "tbz",
            "--set-version",
            "2.0.0",
            "--add-package",
            "a",
            "--add-package",
            "b",
        ),
        *("--set-repo", "https://x", "--add-repo", "https://y", "--set-type-attr", "rootfs_label=L"),
    ]
    plan = as_json(capsys, *argv)
    assert plan["image"]["version"] == "2.0.0"
    assert plan["packages"]["image"] == ["a", "b"]
    assert [entry["uri"] for entry in plan["packages"]["repositories"]] == ["https://x", "https://y"]
    assert plan["type"]["rootfs_label"] == "L"


def test_a_wrong_value_names_the_option(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", str(folder), "--set-type-attr", "filesystem=fat"]) == 2
    assert "--set-type-attr: filesystem cannot be 'fat'" in capsys.readouterr().err


def test_the_map_of_the_command_line_counts_before_that_of_the_configuration(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def uri(*more: str) -> str:
        found: str = as_json(capsys, "plan", str(folder), *more)["packages"]["repositories"][0]["uri"]
        return found

    assert uri() == "obs://Virt:Tools/Debian"
    (tmp_path / "config.yaml").write_text("repositories:\n  map:\n    'obs:': https://configured\n")
    monkeypatch.setenv("PACKHOUSE_CONFIG", str(tmp_path / "config.yaml"))
    assert uri() == "https://configured/Virt:/Tools/Debian"
    assert uri("--repo-map", "obs:=https://given") == "https://given/Virt:/Tools/Debian"


def test_an_unmapped_source_is_refused_with_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", str(folder), "--type", "tbz"]) == 4
    shown = capsys.readouterr().err
    assert "appliance.kiwi:9" in shown
    assert "obs:" in shown


def test_a_plan_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", str(folder), "--type", "oem", "--add-repo", "https://u:s3cret@h/x,apt-deb,more"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "image test 1.2.3" in lines
    assert "type oem (xfs)" in lines
    assert "more apt-deb https://h/x needs a login" in lines
    assert "u uid 5 g:7, h /h" in lines
    assert "disk msdos table, as large as its content, as raw" in lines
    assert "starts from bios with grub2" in lines
    partitions = lines[lines.index("partitions:") + 1 :]
    assert partitions[: partitions.index("")] == ["boot 300 MiB xfs BOOT /boot", "root the rest xfs ROOT /"]
    missing = lines[lines.index("cannot be built yet:") :]
    assert any(line.startswith("type mdraid appliance.kiwi:7 ") for line in missing)


def test_the_matrix_is_one_of_a_workflow(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = as_json(capsys, "matrix", str(folder), "--target-arch", "x86_64", "--repo-map", "obs:=https://d")
    assert [(entry["type"], entry["supported"]) for entry in made["include"]] == [("tbz", True), ("oem", False)]
    assert list(made) == ["include"]
    for entry in made["include"]:
        plan = as_json(capsys, "plan", str(folder), *shlex.split(entry["arguments"]))
        assert plan["type"]["image"] == entry["type"]


def test_the_matrix_can_be_narrowed_and_widened(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("matrix", str(folder), "--target-arch", "x86_64", "--repo-map", "obs:=https://d")
    assert [entry["type"] for entry in as_json(capsys, *argv, "--buildable")["include"]] == ["tbz"]
    [refused] = as_json(capsys, *argv, "--all")["refused"]
    assert (refused["profiles"], refused["where"]) == (["arm"], "appliance.kiwi:4 (profile)")
    assert run([*argv, "--all"]) == 0
    text = capsys.readouterr().out
    assert "not yet: type md" in text
    assert "profile 'arm' is not for x86_64" in text
