# SPDX-License-Identifier: Apache-2.0
"""Whose build it is: real root, or an ordinary user with a range of subordinate ids. Never squashed owners.

A tree has files of many owners. Real root can make them; an ordinary user can inside a user namespace into which
a range of 65536 ids from ``/etc/subuid`` and ``/etc/subgid`` is mapped (user_namespaces(7), newuidmap(1)). With
neither the build is refused: an image whose owners are all one user is wrong, however well it was built.
"""

from __future__ import annotations

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from runner import process
from runner.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

NEEDED_IDS = 65536

_FILES = (Path("/etc/subuid"), Path("/etc/subgid"))
_LOWEST = 100000
"""Where useradd(8) begins to give ranges."""
_DIGITS = 10
"""Of the largest id."""

Mode = Literal["root", "subuid"]


@dataclass(frozen=True, slots=True)
class Identity:
    """How real ownership is had on this machine.

    Attributes:
        mode: goes into the manifest.
        unshare: options of unshare(1) that enter the user namespace; empty for real root.
    """

    mode: Mode
    unshare: tuple[str, ...]


def probe() -> Identity:
    """Find out how this process can own files as many users.

    Raises:
        HostError: it cannot; the hint is the command that changes that.
    """
    if os.geteuid() == 0 and not in_user_namespace():
        return Identity("root", ())
    if os.geteuid() == 0 and _mapped_ids() >= NEEDED_IDS:
        return Identity("subuid", ())  # somebody mapped a range for us already, as rootless podman does
    user = _user_name()
    for path in _FILES:
        if _range_size(path, user) < NEEDED_IDS:
            raise HostError(
                f"{user} has no range of {NEEDED_IDS} subordinate ids in {path}",
                why="files of an image belong to many users, and only such a range (or root) can represent them",
                hint=f"run as root: {_add_range(user)}",
            )
    for tool in ("newuidmap", "newgidmap"):
        if shutil.which(tool) is None:
            raise HostError(f"{tool} is not installed", hint="install the package uidmap")
    options = ("--user", "--map-root-user", "--map-auto")
    done = process.run(["unshare", *options, "--mount", "--", "true"], check=False)
    if done.returncode != 0:
        raise HostError(
            "a user namespace cannot be made",
            why=" ".join(done.tail) or None,
            hint="allow them with: sysctl -w kernel.unprivileged_userns_clone=1 "
            "kernel.apparmor_restrict_unprivileged_userns=0 (whichever this kernel has), or run as root",
        )
    return Identity("subuid", options)


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def in_user_namespace() -> bool:
    """Whether this process is outside the initial user namespace, where every id is mapped to itself."""
    try:
        return Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]
    except OSError:
        return False


def _mapped_ids() -> int:
    lines = Path("/proc/self/uid_map").read_text().splitlines()
    return sum(int(line.split()[2]) for line in lines)


def _add_range(user: str) -> str:
    """Return the command that gives ``user`` ids which nobody has: shared ids would open files to strangers."""
    first = max(first_free(_read(path)) for path in _FILES)
    ids = f"{first}-{first + NEEDED_IDS - 1}"
    return f"usermod --add-subuids {ids} --add-subgids {ids} {user}"


def _range_size(path: Path, user: str) -> int:
    return largest_range(_read(path), {user, str(os.geteuid())})


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def largest_range(text: str, owners: Collection[str]) -> int:
    """Return the size of the largest range of one of ``owners`` in ``text``, in the format of subuid(5)."""
    return max((size for owner, _, size in _ranges(text) if owner in owners), default=0)


def first_free(text: str) -> int:
    """Return the first id above every range in ``text``, in the format of subuid(5), and above ordinary users."""
    return max((first + size for _, first, size in _ranges(text) if first >= _LOWEST), default=_LOWEST)


def _ranges(text: str) -> Iterator[tuple[str, int, int]]:
    for line in text.splitlines():
        owner, _, rest = line.strip().partition(":")
        first, _, size = rest.partition(":")
        if _is_number(first) and _is_number(size):
            yield owner, int(first), int(size)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS
