# SPDX-License-Identifier: Apache-2.0
"""The matrix: every choice of profiles with each type, what is refused and why."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from runner.description import load
from runner.plan import make_plan
from runner.plan.matrix import make_matrix
from runner.plan.overrides import Overrides

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.description import Description

BODY = """
<profiles>
  <profile name="a" description=""/><profile name="b+" description=""><requires profile="a"/></profile>
  <profile name="arm" description="" arch="aarch64"/>
  <profile name="lost" description=""><requires profile="x"/></profile>
  <profile name="bare" description=""/>
</profiles>
<preferences><packagemanager>apt</packagemanager></preferences>
<preferences profiles="a">
  <version>1.2.3</version><type image="tbz"/>
  <type image="oem" filesystem="ext4"/><type image="oem" filesystem="xfs" mdraid="mirroring"/>
</preferences>
<preferences profiles="b+"><type image="docker"/></preferences>
<preferences profiles="bare"><type image="tbz"/></preferences>
"""


@pytest.fixture
def description(write: Callable[..., Path]) -> Description:
    return load(write(BODY, preferences=False))


def test_combinations_types_and_numbers(description: Description) -> None:
    found = make_matrix(description, arch="x86_64").include
    assert [(entry.profiles, entry.type, entry.index) for entry in found] == [
        (("a",), "tbz", 1),
        (("a",), "oem", 1),
        (("a",), "oem:2", 2),
        (("b+",), "tbz", 1),
        (("b+",), "oem", 1),
        (("b+",), "oem:2", 2),
        (("b+",), "docker", 1),
    ]
    assert len({entry.id for entry in found}) == len(found)
    assert found[0].result == "test.x86_64-1.2.3"
    assert found[-1].selected == ("b+", "a")


def test_the_numbered_type_is_the_second_one(description: Description) -> None:
    plan = make_plan(description, profiles=("a",), type_name="oem:2", arch="x86_64")
    assert plan.type.filesystem == "xfs"
    assert make_plan(description, profiles=("a",), type_name="oem", arch="x86_64").type.filesystem == "ext4"


def test_what_is_not_built_yet_is_there_with_its_reason(description: Description) -> None:
    by_type = {entry.type: entry for entry in make_matrix(description, profiles=("a",), arch="x86_64").include}
    assert by_type["tbz"].supported
    assert by_type["tbz"].why == ()
    assert by_type["oem"].supported
    assert not by_type["oem:2"].supported
    assert "type mdraid (appliance.kiwi:" in by_type["oem:2"].why[0]


def test_what_gives_no_plan_is_refused_with_its_reason(description: Description) -> None:
    refused = {entry.profiles: entry for entry in make_matrix(description, arch="x86_64").refused}
    assert "there is no type to build" in refused[()].why
    assert "is not for x86_64" in refused[("arm",)].why
    assert "no profile 'x'" in refused[("lost",)].why
    assert "no version" in refused[("bare",)].why
    assert refused[("bare",)].type == "tbz"
    assert all(entry.where for entry in refused.values())


def test_the_choice_can_be_narrowed(description: Description) -> None:
    found = make_matrix(description, profiles=("a", "bare"), type_name="vmx", arch="amd64").include
    assert [(entry.profiles, entry.type) for entry in found] == [(("a", "bare"), "oem"), (("a", "bare"), "oem:2")]


def test_overrides_count(description: Description) -> None:
    made = make_matrix(description, arch="x86_64", overrides=Overrides(version="7.0.0", container_tag="t"))
    assert [(entry.type, entry.version) for entry in made.include] == [("docker", "7.0.0")]
    assert all("--set-container-tag" in entry.why for entry in made.refused if entry.type)


def test_arguments_are_those_of_a_shell(description: Description) -> None:
    last = make_matrix(description, arch="aarch64").include[-1]
    assert shlex.split(last.arguments) == ["--profile", "b+", "--type", "docker", "--target-arch", "aarch64"]
