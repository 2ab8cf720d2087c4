# SPDX-License-Identifier: Apache-2.0
"""What a probe answers, and the command of this distribution that installs a missing package."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.os_release import identities

if TYPE_CHECKING:
    from collections.abc import Mapping

_INSTALL = {
    "apt": "apt-get install --yes",
    "dnf": "dnf install --assumeyes",
    "zypper": "zypper --non-interactive install",
    "pacman": "pacman -S --noconfirm",
}
_MANAGER_OF = {
    "debian": "apt",
    "ubuntu": "apt",
    "fedora": "dnf",
    "rhel": "dnf",
    "centos": "dnf",
    "suse": "zypper",
    "opensuse": "zypper",
    "arch": "pacman",
}


@dataclass(frozen=True, slots=True)
class Check:
    """The answer of one probe.

    Attributes:
        required: a build fails without it; else it is slower or a feature is missing.
        found: what is there, such as a version.
        fix: the exact command that mends it; empty when nothing is wrong.
        why: what it is needed for.
    """

    name: str
    ok: bool
    required: bool
    found: str
    fix: str
    why: str


@dataclass(frozen=True, slots=True)
class Host:
    """The distribution this machine runs, as far as fixes depend on it.

    Attributes:
        manager: ``apt``, ``dnf``, ``zypper`` or ``pacman``; None on an unknown distribution.
        is_root: commands need no ``sudo``.
    """

    manager: str | None
    is_root: bool

    def install(self, package: str | Mapping[str, str]) -> str:
        """Return the command that installs ``package``: one for all, or by manager with ``*`` the rest."""
        names = {"*": package} if isinstance(package, str) else package
        if self.manager is None:
            return f"install the package {names['*']} of your distribution"
        return self.as_root(f"{_INSTALL[self.manager]} {names.get(self.manager, names['*'])}")

    def as_root(self, command: str) -> str:
        """Return ``command`` so that this user can type it."""
        if self.is_root:
            return command
        return (
            f"sudo sh -c {shlex.quote(command)}" if any(mark in command for mark in "|>&;") else f"sudo {command}"
        )


def manager_of(os_release: Path = Path("/etc/os-release")) -> str | None:
    """Return the package manager of the distribution in a file as os-release(5) describes, or None."""
    try:
        text = os_release.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    names = (name.partition("-")[0] for name in identities(text))  # opensuse-leap
    return next((_MANAGER_OF[name] for name in names if name in _MANAGER_OF), None)
