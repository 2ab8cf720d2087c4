# SPDX-License-Identifier: Apache-2.0
"""Each semantic rule finds what it is for, and a sound description has no finding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.description import check, load
from runner.description.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

PREFERENCES = "<preferences><version>1.0.0</version><packagemanager>apt</packagemanager>{}</preferences>"
REPOSITORY = "<repository><source path='mirror://debian'/></repository>"
TBZ = PREFERENCES.format("<type image='tbz'/>") + REPOSITORY

BROKEN = {
    "type_selectable": PREFERENCES.format("") + REPOSITORY,
    "image_version_provided": TBZ.replace("<version>1.0.0</version>", ""),
    "image_version_three_parts": TBZ.replace("1.0.0", "1.0"),
    "image_type_unique": PREFERENCES.format("<type image='tbz'/><type image='tbz'/>") + REPOSITORY,
    "profile_known": TBZ + "<packages type='image' profiles='x'/>",
    "profile_unique": TBZ
    + "<profiles><profile name='a' description=''/><profile name='a' description=''/></profiles>",
    "container_command_clear": PREFERENCES.format(
        "<type image='oci'><containerconfig name='n'>"
        "<subcommand execute='a' clear='true'/></containerconfig></type>"
    )
    + REPOSITORY,
    "repositories_configured": PREFERENCES.format("<type image='tbz'/>"),
    "image_include_repos_publicly_resolvable": TBZ
    + "<repository imageinclude='true'><source path='this://r'/></repository>",
    "repository_imageonly_exclusive": TBZ
    + "<repository imageinclude='true' imageonly='true'><source path='https://x'/></repository>",
    "repository_verification_off": TBZ.replace("<repository>", "<repository repository_gpgcheck='false'>"),
    "repository_password": TBZ.replace("<repository>", "<repository username='u' password='p'>"),
    "packagemanager_named": TBZ.replace("<packagemanager>apt</packagemanager>", ""),
    "apt_collections": TBZ + "<packages type='image'><namedCollection name='x'/></packages>",
    "file_present": TBZ + "<packages type='image'><archive name='x.tar'/></packages>",
    "type_allows": TBZ.replace("'tbz'", "'tbz' flags='overlay'"),
    "type_uses": TBZ.replace("'tbz'", "'tbz' installiso='true'"),
    "password_plain": TBZ + "<users><user name='a' password='b' pwdformat='plain'/></users>",
}


@pytest.mark.parametrize("rule", BROKEN)
def test_rule(write: Callable[..., Path], rule: str) -> None:
    findings = check(load(write(BROKEN[rule], preferences=False)))
    assert [finding.id for finding in findings] == [rule]
    assert findings[0].remedy
    assert findings[0].where is not None


def test_every_rule_is_tested() -> None:
    assert {rule.id for rule in RULES} == set(BROKEN)


def test_a_sound_description_has_no_finding(write: Callable[..., Path]) -> None:
    assert check(load(write(TBZ, preferences=False))) == []


@pytest.mark.parametrize("name", ["debian-minimal", "debian-rootfs"])
def test_the_examples_are_sound(name: str) -> None:
    assert check(load(Path(__file__).parents[3] / "examples" / name)) == []
