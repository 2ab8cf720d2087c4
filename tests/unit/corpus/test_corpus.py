# SPDX-License-Identifier: Apache-2.0
"""Descriptions of every schema, syntax, package manager and image type: each one loads, upgrades and plans.

``tests/data/plans`` has all plans of each, without what they leave at its default. They are written anew with
``PACKHOUSE_REFRESH_GOLDEN=1``; then read the difference.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from runner import __version__
from runner.cli.main import run
from runner.description import check, load
from runner.description.find import find_kiwi_file
from runner.description.formats import SYNTAXES, syntax_of
from runner.plan.make import make_plan
from runner.plan.matrix import make_matrix
from runner.plan.model import Plan
from runner.schema import schema

DATA = Path(__file__).parents[2] / "data"
NAMES = sorted(path.name for path in (DATA / "descriptions").iterdir())
ARCH = {"mainframe-83": "s390x", "arm-board-74": "aarch64"}
"""Machine to plan for, where it is not the usual one."""

REFRESH = "PACKHOUSE_REFRESH_GOLDEN"


def arch(name: str) -> str:
    return ARCH.get(name, "x86_64")


def said(value: Any) -> Any:
    """Return ``value`` as plain data without fields that have their default."""
    if isinstance(value, msgspec.Struct):
        fields = ((field, getattr(value, field.name)) for field in msgspec.structs.fields(value))
        return {field.name: said(entry) for field, entry in fields if entry != field.default}
    if isinstance(value, tuple):
        return [said(entry) for entry in value]
    return value


def planned(name: str) -> str:
    description = load(DATA / "descriptions" / name)
    made = make_matrix(description, arch=arch(name))
    plans: dict[str, Any] = {}
    for entry in made.include:
        plan = make_plan(description, profiles=entry.profiles, type_name=entry.type, arch=arch(name))
        body = said(plan)
        body["description"] = plan.description.kiwi_file
        body["environment"] = {key: value for key, value in plan.environment.items() if value}
        plans[entry.id] = body
    refused = {" ".join(entry.profiles) or "(default)": entry.why for entry in made.refused}
    text = json.dumps({"plans": plans, "refused": refused}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return text.replace(f"Packhouse {__version__}", "Packhouse VERSION")


@pytest.mark.parametrize("name", NAMES)
def test_plans(name: str) -> None:
    path, text = DATA / "plans" / f"{name}.json", planned(name)
    if os.environ.get(REFRESH):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert '"plans": {}' not in text


@pytest.mark.parametrize("name", NAMES)
def test_no_rule_finds_an_error(name: str) -> None:
    findings = check(load(DATA / "descriptions" / name), arch=arch(name))
    assert not [finding for finding in findings if finding.severity == "error"]


@pytest.mark.parametrize("name", NAMES)
def test_the_upgraded_description_gives_the_same_plans(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "description"
    shutil.copytree(DATA / "descriptions" / name, folder)
    before = load(folder)
    (folder / find_kiwi_file(folder)).write_text(before.text, encoding="utf-8")
    for path in folder.glob("included-*"):
        path.unlink()
    after = load(folder)
    assert (after.schemaversion, after.text) == ("8.5", before.text)
    for entry in make_matrix(before, arch=arch(name)).include:
        one, other = (
            make_plan(description, profiles=entry.profiles, type_name=entry.type, arch=arch(name))
            for description in (before, after)
        )
        assert comparable(one) == comparable(other)


def comparable(plan: Plan) -> Plan:
    """The plan without what tells of lines and bytes of the file."""
    unsupported = tuple(msgspec.structs.replace(item, where="") for item in plan.unsupported)
    description = msgspec.structs.replace(plan.description, digest="", kiwi_file="")
    return msgspec.structs.replace(plan, unsupported=unsupported, description=description)


@pytest.mark.parametrize("name", NAMES)
def test_plans_are_of_their_schema_and_can_be_read_back(name: str) -> None:
    description = load(DATA / "descriptions" / name)
    (entry, *_) = make_matrix(description, arch=arch(name)).include
    plan = make_plan(description, profiles=entry.profiles, type_name=entry.type, arch=arch(name))
    encoded = msgspec.json.encode(plan)
    assert msgspec.json.decode(encoded, type=Plan) == plan
    jsonschema.validate(json.loads(encoded), json.loads(schema("plan")))


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_take_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PACKHOUSE_STORE", str(tmp_path))
    source = str(DATA / "descriptions" / name)
    there = ["--target-arch", arch(name)]
    assert run(["validate", source, *there]) == 0
    capsys.readouterr()
    assert run(["--json", "matrix", source, *there]) == 0
    (entry, *_) = json.loads(capsys.readouterr().out)["include"]
    chosen = [word for profile in entry["profiles"] for word in ("--profile", profile)]
    assert run(["--json", "plan", source, *chosen, "--type", entry["type"], *there]) == 0
    assert json.loads(capsys.readouterr().out)["image"]["name"] == entry["name"]
    assert run(["upgrade", source]) == 0
    assert run(["upgrade", source, "--to", "yaml"]) == 0
    assert "Traceback" not in capsys.readouterr().err


def test_all_versions_syntaxes_managers_and_types_are_there() -> None:
    descriptions = [load(DATA / "descriptions" / name) for name in NAMES]
    assert len(NAMES) >= 40
    versions = {description.schemaversion for description in descriptions}
    assert versions >= {
        *(f"6.{n}" for n in range(10)),
        *(f"7.{n}" for n in range(7)),
        *(f"8.{n}" for n in range(6)),
    }
    managers = {block.packagemanager for description in descriptions for block in description.preferences}
    assert managers >= {"apk", "apt", "dnf4", "dnf5", "microdnf", "pacman", "zypper"}
    types = [entry for description in descriptions for block in description.preferences for entry in block.types]
    images = "appx btrfs cpio docker enclave erofs ext2 ext3 ext4 iso kis oci oem pxe squashfs tbz wsl xfs"
    assert {entry.image for entry in types} >= set(images.split())
    formats = "gce ova qcow2 vagrant vdi vhd vhd-fixed vhdx vmdk"
    assert {entry.formats.format for entry in types} >= {*formats.split(), "oci:qcow2"}
    files = [description.directory / description.kiwi_file for description in descriptions]
    assert {syntax_of(path.read_bytes(), path.name) for path in files} == set(SYNTAXES)
