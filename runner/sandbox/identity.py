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
    from collections.abc import Collection

NEEDED_IDS = 65536

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
    for name in ("subuid", "subgid"):
        if _range_size(Path("/etc") / name, user) < NEEDED_IDS:
            raise HostError(
                f"{user} has no range of {NEEDED_IDS} subordinate ids in /etc/{name}",
                why="files of an image belong to many users, and only such a range (or root) can represent them",
                hint=f"run as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}",
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


def _range_size(path: Path, user: str) -> int:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return largest_range(text, {user, str(os.geteuid())})


def largest_range(text: str, owners: Collection[str]) -> int:
    """Return the size of the largest range of one of ``owners`` in ``text``, in the format of subuid(5)."""
    sizes = [0]
    for line in text.splitlines():
        owner, _, rest = line.strip().partition(":")
        first, _, size = rest.partition(":")
        if owner in owners and _is_number(first) and _is_number(size):
            sizes.append(int(size))
    return max(sizes)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
