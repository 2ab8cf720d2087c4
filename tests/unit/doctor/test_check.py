# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.doctor.check import Host, manager_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "manager"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n', "apt"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'\n", "apt"),
        ("ID=fedora\n", "dnf"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "dnf"),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', "zypper"),
        ("ID=arch\n", "pacman"),
        ("ID=plan9\n", None),
        ("", None),
    ],
)
def test_the_distribution_is_known_by_its_release_file(tmp_path: Path, text: str, manager: str | None) -> None:
    file = tmp_path / "os-release"
    file.write_text(text)
    assert manager_of(file) == manager


def test_no_release_file(tmp_path: Path) -> None:
    assert manager_of(tmp_path / "none") is None


def test_fixes_can_be_typed() -> None:
    names = {"*": "xz", "apt": "xz-utils"}
    assert Host("apt", is_root=True).install(names) == "apt-get install --yes xz-utils"
    assert Host("dnf", is_root=False).install(names) == "sudo dnf install --assumeyes xz"
    assert "xz" in Host(None, is_root=False).install(names)
    assert Host("apt", is_root=False).as_root("echo 1 > /x") == "sudo sh -c 'echo 1 > /x'"
