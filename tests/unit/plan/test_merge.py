# SPDX-License-Identifier: Apache-2.0
"""The merge rules with their asymmetries: first against last value, users, packages, repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.description import load
from runner.description.model.packages import NamedEntry
from runner.digest import canonical_json
from runner.errors import Location
from runner.plan import make_plan
from runner.plan.overrides import Overrides
from runner.plan.packages import _names
from runner.plan.users import hash_password

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TWO_BLOCKS = """
<preferences>
  <version>1.0.0</version><packagemanager>apt</packagemanager><rpm-excludedocs>false</rpm-excludedocs>
  <locale>de_DE,en_US</locale><timezone>Europe/Berlin</timezone><keytable>de</keytable>
  <bootsplash-theme>one</bootsplash-theme><bootloader-theme>one</bootloader-theme>
  <type image="tbz"/>
</preferences>
<preferences>
  <version>2.0.0</version><packagemanager>zypper</packagemanager><rpm-excludedocs>true</rpm-excludedocs>
  <locale>fr_FR</locale><timezone>Europe/Paris</timezone>
  <bootsplash-theme>two</bootsplash-theme>
</preferences>
"""


def test_first_and_last_values(write: Callable[..., Path]) -> None:
    plan = make_plan(load(write(TWO_BLOCKS, preferences=False)))
    assert plan.image.version == "1.0.0"
    assert plan.packages.manager == "apt"
    assert plan.settings.exclude_docs is False
    assert plan.settings.locale == "fr_FR.UTF-8"
    assert plan.settings.timezone == "Europe/Paris"
    assert plan.settings.keytable == "de"
    assert plan.settings.bootsplash_theme == "two"
    wanted = {
        "kiwi_iversion": "1.0.0",
        "kiwi_language": "fr_FR",
        "kiwi_loader_theme": "one",
        "kiwi_keytable": "de",
    }
    assert wanted.items() <= plan.environment.items()


@pytest.mark.parametrize(
    ("written", "locale"),
    [("de_DE,en_US", "de_DE.UTF-8"), ("C", "C"), ("POSIX", "POSIX"), ("C.UTF-8", "C.UTF-8")],
)
def test_locale(write: Callable[..., Path], written: str, locale: str) -> None:
    assert (
        make_plan(load(write(f"<preferences><locale>{written}</locale></preferences>"))).settings.locale == locale
    )


USERS = """
<profiles><profile name="p" description="" import="true"/><profile name="q" description=""/></profiles>
<users><user name="a" password="x" groups="g:100,h" home="/a" id="7" realname="A"/></users>
<users profiles="p"><user name="b" password="y"/><user name="a" password="z" groups="h:5, i" home="/z"/></users>
<users profiles="q"><user name="c" password="w"/></users>
"""


def test_the_first_definition_wins_and_groups_are_gathered(write: Callable[..., Path]) -> None:
    first, second = make_plan(load(write(USERS))).users
    assert (first.name, first.password, first.home, first.uid, first.realname) == ("a", "x", "/a", 7, "A")
    assert [(group.name, group.gid) for group in first.groups] == [("g", 100), ("h", 5), ("i", None)]
    assert (second.name, second.groups) == ("b", ())


def test_plain_passwords_are_hashed_and_gone(write: Callable[..., Path]) -> None:
    folder = write('<users><user name="a" password="s3cr3t" pwdformat="plain"/></users>')
    plan, again = make_plan(load(folder)), make_plan(load(folder))
    assert b"s3cr3t" not in canonical_json(plan)
    assert plan.users[0].password.startswith("$6$")
    assert plan == again


def test_salts_differ_by_image_and_user_and_the_hash_is_right() -> None:
    from passlib.hash import sha512_crypt

    hashes = {hash_password("s3cr3t", image_name=image, user=user) for image in "ab" for user in "cd"}
    assert len({text.split("$")[-2] for text in hashes}) == 4
    assert all(sha512_crypt.verify("s3cr3t", text) for text in hashes)


PACKAGES = """
<profiles><profile name="p" description=""/></profiles>
<packages type="bootstrap"><package name="base"/><archive name="z.tar"/></packages>
<packages type="image" patternType="plusRecommended">
  <package name="b"/><package name=" a "/><package name="b"/><package name="arm" arch="aarch64"/>
  <package name="pc" arch="x86_64, i686"/><ignore name="i"/>
  <archive name="y.tar" target_dir="/opt"/><archive name="x.tar"/><file name="dir/f"/>
  <file name="g" target="/etc/g" owner="root:root" permissions="0600"/>
</packages>
<packages type="docker" patternType="onlyRequired"><package name="only-docker"/></packages>
<packages type="oem"><package name="only-oem"/></packages>
<packages type="image" profiles="p"><package name="only-p"/></packages>
<packages type="image" arch="aarch64"><package name="only-arm"/></packages>
<packages type="delete"><package name="d"/></packages>
<packages type="uninstall"><package name="u"/></packages>
<preferences><type image="docker"/></preferences>
"""


def test_package_lists(write: Callable[..., Path]) -> None:
    plan = make_plan(
        load(write(PACKAGES)),
        type_name="tbz",
        arch="x86_64",
        overrides=Overrides(add_packages=("z",), delete_packages=("n",)),
    )
    request = plan.packages
    assert request.bootstrap == ("apt", "base")
    assert request.image == ("a", "b", "pc", "z")
    assert (request.ignore, request.recommends) == (("i",), True)
    assert (plan.delete, plan.uninstall) == (("d",), ("n", "u"))
    assert [(entry.name, entry.target_dir, entry.phase) for entry in plan.archives] == [
        ("z.tar", "/", "bootstrap"),
        ("x.tar", "/", "image"),
        ("y.tar", "/opt", "image"),
    ]
    assert [(f.name, f.target, f.owner, f.permissions) for f in plan.files] == [
        ("dir/f", "/f", "", ""),
        ("g", "/etc/g", "root:root", "0600"),
    ]


def test_sections_of_type_profile_and_machine(write: Callable[..., Path]) -> None:
    description = load(write(PACKAGES))
    docker = make_plan(description, type_name="docker", profiles=("p",), arch="aarch64").packages
    assert docker.image == ("a", "arm", "b", "only-arm", "only-docker", "only-p")
    assert docker.recommends


def test_a_derived_image_that_bootstraps_nothing_needs_no_manager(write: Callable[..., Path]) -> None:
    body = '<preferences><type image="oci" derived_from="docker://x"/></preferences>'
    description = load(write(body))
    assert make_plan(description, type_name="oci").packages.bootstrap == ()
    assert make_plan(description, type_name="tbz").packages.bootstrap == ("apt",)


@given(st.lists(st.tuples(st.sampled_from(["a", " a ", "b", "c", ""]), st.sampled_from([(), ("x",), ("y",)]))))
def test_names_are_sorted_and_unique_whatever_the_order(pairs: list[tuple[str, tuple[str, ...]]]) -> None:
    entries = [NamedEntry(at=Location("f"), name=name, arch=arch) for name, arch in pairs]
    names = _names(entries, "x")
    assert names == tuple(sorted(set(names))) == _names(reversed(entries), "x")
    assert set(names) == {name.strip() for name, arch in pairs if arch != ("y",)} - {""}


REPOSITORIES = """
<repository type="apt-deb" alias="named" priority="500" components="main  contrib" architectures="amd64,arm64">
  <source path="https://x/debian"><signing key="file:///k"/><signing key="https://k/$releasever"/></source>
</repository>
<repository repository_gpgcheck="false"><source path="https://unsigned"/></repository>
<repository imageinclude="true"><source path="https://both"/></repository>
<repository imageonly="true"><source path="this://repo"/></repository>
"""


def test_repositories(write: Callable[..., Path]) -> None:
    description = load(write(REPOSITORIES))
    first, named, unsigned, both, only = make_plan(description).packages.repositories
    assert first.components == ("main",)
    assert (named.alias, named.priority, named.components) == ("named", 500, ("main", "contrib"))
    assert named.architectures == ("amd64", "arm64")
    assert [key.uri for key in named.keys] == ["file:///k", "https://k/0"]
    assert (unsigned.verify, unsigned.kind) == (True, "apt-deb")
    assert (both.build, both.image) == (True, True)
    assert (only.build, only.image, only.uri) == (False, True, "this://repo")


def test_verification_is_off_only_when_both_agree(write: Callable[..., Path]) -> None:
    repositories = make_plan(load(write(REPOSITORIES)), allow_unsigned=True).packages.repositories
    assert [entry.verify for entry in repositories] == [True, True, False, True, True]


def test_aliases_come_from_content(write: Callable[..., Path]) -> None:
    aliases = [entry.alias for entry in make_plan(load(write(REPOSITORIES))).packages.repositories]
    assert len(set(aliases)) == len(aliases)
    changed = REPOSITORIES.replace("https://both", "https://other")
    other = [entry.alias for entry in make_plan(load(write(changed))).packages.repositories]
    assert [a == b for a, b in zip(aliases, other, strict=True)] == [True, True, True, False, True]


def test_certificates_count_with_their_profile(write: Callable[..., Path]) -> None:
    body = '<profiles><profile name="p" description=""/></profiles>'
    names = "".join(f'<certificate name="{name}"/>' for name in ("a.crt", "b.crt", "a.crt"))
    body += f'<certificates target_distribution="debian" profiles="p">{names}</certificates>'
    description = load(write(body))
    assert make_plan(description).certificates == ()
    (group,) = make_plan(description, profiles=("p",)).certificates
    assert (group.target_distribution, group.names) == ("debian", ("a.crt", "b.crt"))
