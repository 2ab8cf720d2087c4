# SPDX-License-Identifier: Apache-2.0
"""Symbolic mirrors: who is asked, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import ResolveError
from runner.packages.mirrors import Mirrors

if TYPE_CHECKING:
    from pathlib import Path

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://one.example/debian/ http://two.example/debian
Suites: bookworm
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian-security
Suites: x

Types: deb-src
URIs: http://sources.example/debian-security
"""
ONE_LINE = """\
# deb http://comment.example/debian-security x main
deb-src http://src.example/debian-security x main
deb [arch=amd64 signed-by=/k.gpg] https://three.example/debian-security bookworm-security main
"""


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(ONE_LINE)
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    return tmp_path


def test_the_machines_own_sources_are_read_in_both_formats(apt: Path) -> None:
    mirrors = Mirrors(apt_folder=apt)
    assert mirrors.resolve("mirror://debian") == "http://one.example/debian"
    assert mirrors.resolve("mirror://debian-security/") == "https://three.example/debian-security"


def test_command_line_wins_over_environment_over_configuration_over_machine(apt: Path) -> None:
    sources = {
        "given": {"debian": "http://given"},
        "env": {"PACKHOUSE_MIRROR_DEBIAN": "http://env/"},
        "configured": {"debian": "http://configured"},
    }
    seen = []
    for name in ("", "given", "env", "configured"):
        sources.pop(name, None)
        seen.append(Mirrors(**sources, apt_folder=apt).resolve("mirror://debian"))
    assert seen == ["http://given", "http://env", "http://configured", "http://one.example/debian"]


def test_a_machine_of_another_distribution_gets_a_public_mirror(tmp_path: Path) -> None:
    assert Mirrors(apt_folder=tmp_path).resolve("mirror://debian").startswith("https://")


def test_the_rest_of_the_path_is_kept(apt: Path) -> None:
    assert Mirrors(apt_folder=apt).resolve("mirror://debian/sub/dir/") == "http://one.example/debian/sub/dir"


def test_other_urls_pass(tmp_path: Path) -> None:
    assert Mirrors(apt_folder=tmp_path).resolve("https://host/x/") == "https://host/x"


def test_an_unknown_mirror_tells_how_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(ResolveError) as caught:
        Mirrors(apt_folder=tmp_path).resolve("mirror://my-mirror")
    assert "PACKHOUSE_MIRROR_MY_MIRROR" in (caught.value.hint or "")
