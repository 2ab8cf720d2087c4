# SPDX-License-Identifier: Apache-2.0
"""Which profiles, sections and type count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.description import load
from runner.errors import DescriptionError
from runner.plan import combinations, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROFILES = """
<profiles>
  <profile name="a" description="" import="true"/>
  <profile name="b" description=""><requires profile="c"/><requires profile="d" arch="aarch64"/></profile>
  <profile name="c" description=""><requires profile="e"/><requires profile="b"/></profile>
  <profile name="d" description="" arch="aarch64" import="true"/>
  <profile name="e" description=""/>
  <profile name="f" description=""><requires profile="missing"/></profile>
  <profile name="g" description=""><requires profile="d"/></profile>
</profiles>
"""


@pytest.mark.parametrize(
    ("asked", "arch", "selected"),
    [
        ((), "x86_64", ("a",)),
        ((), "aarch64", ("a", "d")),
        (("b",), "x86_64", ("b", "c", "e")),
        (("b",), "aarch64", ("b", "c", "e", "d")),
        (("e", "b", "e"), "x86_64", ("e", "b", "c")),
        (("c",), "x86_64", ("c", "e", "b")),
    ],
)
def test_profiles(
    write: Callable[..., Path], asked: tuple[str, ...], arch: str, selected: tuple[str, ...]
) -> None:
    plan = make_plan(load(write(PROFILES)), profiles=asked, arch=arch)
    assert plan.profiles == selected
    assert plan.environment["kiwi_profiles"] == ",".join(selected)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("nope",), r"there is no profile 'nope'[\s\S]*known profiles: a, b"),
        (("f",), r"appliance\.kiwi:\d+ \(requires\).*there is no profile 'missing'"),
        (("d",), "profile 'd' is not for x86_64"),
        (("g",), "profile 'd' is not for x86_64"),
    ],
)
def test_profiles_that_cannot_be(write: Callable[..., Path], asked: tuple[str, ...], message: str) -> None:
    with pytest.raises(DescriptionError, match=message):
        make_plan(load(write(PROFILES)), profiles=asked, arch="x86_64")


def test_a_long_chain_of_requirements(write: Callable[..., Path]) -> None:
    chain = "".join(
        f'<profile name="p{n}" description=""><requires profile="p{n + 1}"/></profile>' for n in range(5000)
    )
    body = f'<profiles>{chain}<profile name="p5000" description=""/></profiles>'
    assert len(make_plan(load(write(body)), profiles=("p0",)).profiles) == 5001


TYPES = """
<profiles><profile name="a" description=""/><profile name="b" description=""/></profiles>
<preferences><version>1.0.0</version><packagemanager>apt</packagemanager></preferences>
<preferences profiles="a"><type image="tbz"/><type image="oci"/></preferences>
<preferences profiles="a,b"><type image="ext4" primary="true"/></preferences>
<preferences profiles="b" arch="aarch64"><type image="oem"/></preferences>
"""


@pytest.mark.parametrize(
    ("profile", "name", "arch", "image"),
    [
        ("a", None, "x86_64", "ext4"),
        ("a", "oci", "x86_64", "oci"),
        ("b", None, "x86_64", "ext4"),
        ("b", "oem", "aarch64", "oem"),
        ("b", "vmx", "aarch64", "oem"),
    ],
)
def test_type(write: Callable[..., Path], profile: str, name: str | None, arch: str, image: str) -> None:
    description = load(write(TYPES, preferences=False))
    assert make_plan(description, profiles=(profile,), type_name=name, arch=arch).type.image == image


def test_the_first_type_is_built_when_none_is_primary(write: Callable[..., Path]) -> None:
    description = load(write(TYPES.replace(' primary="true"', ""), preferences=False))
    assert make_plan(description, profiles=("a",)).type.image == "tbz"


@pytest.mark.parametrize(
    ("profiles", "name", "message"),
    [
        ((), None, r"there is no type to build[\s\S]*choose a profile: a, b"),
        (("a",), "iso", r"no type 'iso' for the selected profiles[\s\S]*tbz, oci, ext4"),
        (("b",), "oem", "no type 'oem'"),
    ],
)
def test_types_that_cannot_be(
    write: Callable[..., Path], profiles: tuple[str, ...], name: str | None, message: str
) -> None:
    with pytest.raises(DescriptionError, match=message):
        make_plan(load(write(TYPES, preferences=False)), profiles=profiles, type_name=name, arch="x86_64")


def test_combinations(write: Callable[..., Path]) -> None:
    found = combinations(load(write(TYPES, preferences=False)), arch="x86_64")
    assert [(entry.profiles, entry.type_name) for entry in found] == [
        (("a",), "tbz"),
        (("a",), "oci"),
        (("a",), "ext4"),
        (("b",), "ext4"),
    ]


def test_every_combination_can_be_planned(write: Callable[..., Path]) -> None:
    description = load(write(PROFILES))
    found = combinations(description, arch="x86_64")
    assert [entry.profiles for entry in found] == [(), ("b",), ("e",)]
    for entry in found:
        make_plan(description, profiles=entry.profiles, type_name=entry.type_name, arch="x86_64")


@pytest.mark.parametrize(("machine", "arch"), [("i686", "ix86"), ("i586", "ix86"), ("x86_64", "x86_64")])
def test_file_names_call_old_machines_ix86(write: Callable[..., Path], machine: str, arch: str) -> None:
    body = f'<packages type="image"><package name="own" arch="{machine}"/></packages>'
    plan = make_plan(load(write(body)), arch=machine)
    assert plan.stem == f"test.{arch}-1.2.3"
    assert plan.packages.image == ("own",)


def test_an_image_without_version_is_refused(write: Callable[..., Path]) -> None:
    body = '<preferences><type image="tbz"/></preferences>'
    with pytest.raises(DescriptionError, match="the image has no version"):
        make_plan(load(write(body, preferences=False)))
