# SPDX-License-Identifier: Apache-2.0
"""Overrides: what each option changes in the plan, and how it is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from runner.description import load
from runner.errors import UsageError
from runner.plan import make_plan
from runner.plan.overrides import NOTHING, Overrides, read_overrides

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.plan.model import Plan

BODY = """
<repository imageonly="true" alias="only"><source path="https://only"/></repository>
<repository alias="obs"><source path="obs://Virt:Tools/Debian_12"><signing key="this://k"/></source></repository>
<packages type="image"><package name="b"/></packages>
<preferences>
  <type image="docker"><containerconfig name="c" tag="1"><labels><label name="a" value="1"/></labels>
  </containerconfig></type>
  <type image="oci"/>
</preferences>
"""


@pytest.fixture
def planned(write: Callable[..., Path]) -> Callable[..., Plan]:
    description = load(write(BODY))

    def plan(type_name: str = "tbz", **options: Any) -> Plan:
        return make_plan(description, type_name=type_name, arch="x86_64", overrides=read_overrides(**options))

    return plan


def test_nothing_said_is_nothing_changed(planned: Callable[..., Plan]) -> None:
    assert read_overrides() == NOTHING
    assert not NOTHING
    assert Overrides(version="2")


EACH: dict[str, Any] = {
    "type_attributes": ["squashfscompression=gzip"],
    "version": "9.9.9",
    "release_version": "41",
    "add_packages": ["z"],
    "delete_packages": ["z"],
    "add_bootstrap_packages": ["z"],
    "ignore_repositories": True,
    "ignore_repositories_used_for_build": True,
    "set_repositories": ["https://other"],
    "add_repositories": ["https://more"],
    "signing_keys": ["file:///key"],
    "repository_map": ["mirror://debian=https://host/debian"],
    "container_tag": "2",
    "container_labels": ["b=2"],
    "container_derived_from": "obs://x/y#z",
}


def test_every_override_is_tried_below() -> None:
    assert set(EACH) == {field.name for field in msgspec.structs.fields(Overrides)}


@pytest.mark.parametrize("name", EACH)
def test_each_changes_the_digest_of_the_plan(planned: Callable[..., Plan], name: str) -> None:
    assert planned("docker", **{name: EACH[name]}).digest != planned("docker").digest


IN_THE_REQUEST = {
    name
    for name in EACH
    if name not in {"container_tag", "container_labels", "type_attributes", "version", "delete_packages"}
}
"""A derived image that bootstraps nothing does not ask for the package manager itself."""


@pytest.mark.parametrize("name", EACH)
def test_the_lock_is_asked_anew_only_for_what_the_solver_is_told(planned: Callable[..., Plan], name: str) -> None:
    same = planned("docker", **{name: EACH[name]}).packages.digest == planned("docker").packages.digest
    assert same is (name not in IN_THE_REQUEST)


def test_version_and_packages(planned: Callable[..., Plan]) -> None:
    plan = planned(
        version="4.5.6", add_packages=["a", "b"], add_bootstrap_packages=["boot"], delete_packages=["gone"]
    )
    assert (plan.image.version, plan.stem) == ("4.5.6", "test.x86_64-4.5.6")
    assert plan.environment["kiwi_iversion"] == "4.5.6"
    assert plan.packages.image == ("a", "b")
    assert plan.packages.bootstrap == ("apt", "boot")
    assert plan.uninstall == ("gone",)


def test_a_version_can_be_given_where_the_description_has_none(write: Callable[..., Path]) -> None:
    description = load(write('<preferences><type image="tbz"/></preferences>', preferences=False))
    assert make_plan(description, overrides=Overrides(version="1.0.0")).image.version == "1.0.0"


def test_repositories(planned: Callable[..., Plan]) -> None:
    def uris(**options: Any) -> list[str]:
        return [entry.uri for entry in planned(**options).packages.repositories]

    own = ["mirror://debian", "https://only", "obs://Virt:Tools/Debian_12"]
    assert uris() == own
    assert uris(ignore_repositories=True) == []
    assert uris(ignore_repositories_used_for_build=True) == ["https://only"]
    assert uris(add_repositories=["https://a", "source=https://b"]) == [*own, "https://a", "https://b"]
    assert uris(ignore_repositories=True, add_repositories=["https://a"]) == ["https://a"]
    assert uris(set_repositories=["https://first"]) == ["https://first", *own[1:]]


def test_a_changed_repository_keeps_what_is_not_said(planned: Callable[..., Plan]) -> None:
    first = planned(set_repositories=["https://first,,alias"]).packages.repositories[0]
    assert (first.uri, first.alias, first.distribution) == ("https://first", "alias", "bookworm")


def test_signing_keys_are_trusted_for_all(planned: Callable[..., Plan]) -> None:
    repositories = planned(signing_keys=["https://k/$releasever"], release_version="40").packages.repositories
    assert [[key.uri for key in entry.keys] for entry in repositories] == [
        ["https://k/40"],
        ["https://k/40"],
        ["this://k", "https://k/40"],
    ]


def test_a_key_is_a_file_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.asc").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert read_overrides(signing_keys=["key.asc"]).signing_keys == ((tmp_path / "key.asc").as_uri(),)


def test_an_unmapped_obs_source_is_told_and_a_mapped_one_is_not(planned: Callable[..., Plan]) -> None:
    assert [item.element for item in planned().unsupported] == ['source path="obs:…"']
    plan = planned(repository_map=["obs:=https://host/repositories"])
    assert plan.unsupported == ()
    assert plan.packages.repositories[2].uri == "https://host/repositories/Virt:/Tools/Debian_12"


def test_the_command_line_maps_before_the_configuration() -> None:
    given = Overrides(repository_map=(("a:", "1"),))
    assert given.with_map((("a:", "2"), ("b:", "3"))).repository_map == (("a:", "1"), ("a:", "2"), ("b:", "3"))


def test_container(planned: Callable[..., Plan]) -> None:
    container = planned("docker", container_tag="2", container_labels=["b=2", "a=3=x"]).type.container
    assert container is not None
    assert (container.name, container.tag, container.labels) == ("c", "2", {"a": "3=x", "b": "2"})
    bare = planned("oci", container_tag="2").type.container
    assert bare is not None
    assert (bare.name, bare.tag) == ("kiwi-container", "2")
    assert planned("oci", container_derived_from="obs://x/y#z").type.derived_from == "obs://x/y#z"


def test_type_attributes(planned: Callable[..., Plan]) -> None:
    plan = planned(type_attributes=["squashfscompression=gzip", "rootfs_label=A B"])
    assert (plan.type.squashfscompression, plan.type.rootfs_label) == ("gzip", "A B")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"type_attributes": ["filesytem=ext4"]},
            r"--set-type-attr: .*no attribute 'filesytem'[\s\S]*'filesystem'",
        ),
        ({"type_attributes": ["filesystem=fat"]}, r"--set-type-attr: filesystem cannot be 'fat'[\s\S]*ext4"),
        ({"type_attributes": ["filesystem"]}, "--set-type-attr 'filesystem' is not NAME=VALUE"),
        ({"type_attributes": ["image=iso"]}, r"--set-type-attr cannot change 'image'[\s\S]*--type"),
        ({"version": "one two"}, "--set-version: 'one two' is not a version"),
        ({"version": ""}, "--set-version"),
        ({"add_packages": [""]}, "--add-package '' is not"),
        ({"delete_packages": ["a b"]}, "--delete-package 'a b' is not"),
        ({"add_bootstrap_packages": ["--root"]}, "--add-bootstrap-package '--root' is not"),
        ({"signing_keys": ["no/such"]}, "--signing-key: there is no key file no/such"),
        ({"repository_map": ["obs:"]}, "--repo-map 'obs:' is not NAME=VALUE"),
        ({"container_labels": ["=x"]}, "--add-container-label '' is not NAME=VALUE"),
        ({"container_tag": "1"}, r"--set-container-tag needs a container[\s\S]*docker, oci"),
        ({"container_derived_from": "obs://x/y#z"}, "--set-container-derived-from needs a container"),
        (
            {"set_repositories": ["https://x"], "ignore_repositories": True},
            "--set-repo has no repository to change",
        ),
    ],
)
def test_refusals_name_the_option(planned: Callable[..., Plan], options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        planned(**options)
