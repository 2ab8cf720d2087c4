# SPDX-License-Identifier: Apache-2.0
"""Addresses of repositories in a plan: without logins, in one spelling, each under a name of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.description import load
from runner.digest import canonical_json
from runner.plan import make_plan
from runner.plan.repositories import location

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("path", "uri", "login"),
    [
        ("https://h/x", "https://h/x", False),
        ("ftp://h/x", "ftp://h/x", False),
        ("https://user:pw@h:8080/x?a=b", "https://h:8080/x?a=b", True),
        ("https://token@h/x", "https://h/x", True),
        ("https://h/x?credentials=file", "https://h/x", True),
        ("https://h/x?credentials=file&auth=basic", "https://h/x?auth=basic", True),
        ("https://h/x?auth=basic&credentials=file", "https://h/x?auth=basic", True),
        ("/srv/repo", "dir:///srv/repo", False),
        ("dir:/srv/repo", "dir:///srv/repo", False),
        ("dir:///srv/repo", "dir:///srv/repo", False),
        ("file:/srv/repo", "file:///srv/repo", False),
        ("this:repo", "this://repo", False),
        ("this:///repo", "this://repo", False),
        ("mirror://debian", "mirror://debian", False),
        ("obs://A:B/c", "obs://A:B/c", False),
        ("obsrepositories:/", "obsrepositories:/", False),
    ],
)
def test_locations(path: str, uri: str, *, login: bool) -> None:
    assert location(path) == (uri, login)


def test_no_login_is_in_a_plan(write: Callable[..., Path]) -> None:
    body = """
      <repository><source path="https://u1:s3cret@h/x"/></repository>
      <repository username="u2" password="s3cret"><source path="https://h/y"/></repository>
      <repository><source path="https://h/z"/></repository>
    """
    plan = make_plan(load(write(body)))
    assert b"s3cret" not in canonical_json(plan)
    assert [entry.credentials for entry in plan.packages.repositories] == [False, True, True, False]


def test_another_login_is_the_same_repository(write: Callable[..., Path]) -> None:
    def alias(path: str) -> str:
        body = f'<repository><source path="{path}"/></repository>'
        return make_plan(load(write(body))).packages.repositories[1].alias

    assert alias("https://u:p@h/x") == alias("https://h/x") != alias("https://h/y")


def test_twice_the_same_counts_once_and_different_ones_are_told_apart(write: Callable[..., Path]) -> None:
    body = """
      <repository alias="a"><source path="https://h/x"/></repository>
      <repository alias="a"><source path="https://h/y"/></repository>
      <repository alias="a"><source path="https://h/x"/></repository>
    """
    repositories = make_plan(load(write(body))).packages.repositories[1:]
    assert [(entry.alias, entry.uri) for entry in repositories] == [("a", "https://h/x"), ("a-2", "https://h/y")]


@pytest.mark.parametrize(
    ("check", "gpg", "allowed", "verified"),
    [
        ("true", "", True, True),
        ("false", "", True, False),
        ("false", 'package_gpgcheck="true"', True, True),
        ("true", 'package_gpgcheck="false"', True, False),
        ("false", 'package_gpgcheck="false"', False, True),
    ],
)
def test_package_signatures(
    write: Callable[..., Path], check: str, gpg: str, *, allowed: bool, verified: bool
) -> None:
    body = f"<preferences><rpm-check-signatures>{check}</rpm-check-signatures></preferences>"
    body += f'<repository {gpg}><source path="https://h/x"/></repository>'
    plan = make_plan(load(write(body)), allow_unsigned=allowed)
    assert plan.packages.repositories[1].verify_packages is verified
