# SPDX-License-Identifier: Apache-2.0
"""What package files say of owners and modes, read from their data archives with dpkg-deb and Python's tarfile."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_DOCS = ("usr/share/doc/", "usr/share/man/")
_UNWANTED = {"var/cache/apt/archives/partial", "var/lib/apt/lists/partial", "var/lock", "var/run"}
"""Caches of apt, and folders that base-files' scripts replace with links into /run."""

_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclass(frozen=True, slots=True, order=True)
class Inode:
    """Permission bits and numeric owner of a path; ``kind`` is one letter as ls(1) shows it."""

    kind: str
    mode: int
    uid: int
    gid: int


def packaged(lock: Path, store: Path) -> dict[str, Inode]:
    """Return every path (without leading slash) in the packages of a release's lock file, as they ship it.

    A directory of several packages counts as the first one says; symbolic links are left out, their mode says
    nothing. Paths are those of a merged /usr.
    """
    found: dict[str, Inode] = {}
    packages = [package for each in json.loads(lock.read_bytes())["locks"] for package in each["packages"]]
    assert packages
    for package in packages:
        digest = package["sha256"]
        found = {**_contents(store / "blobs" / "sha256" / digest[:2] / digest), **found}
    return found


def _contents(deb: Path) -> dict[str, Inode]:
    data = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return of_tar(tar)


def of_tar(tar: tarfile.TarFile) -> dict[str, Inode]:
    """Files and directories of an archive; a hard link is the file it links to."""
    found: dict[str, Inode] = {}
    for member in tar:
        name = _merged(member.name)
        if member.islnk():
            found[name] = found[_merged(member.linkname)]
        elif (member.isreg() or member.isdir()) and name:
            found[name] = Inode("d" if member.isdir() else "-", member.mode & 0o7777, member.uid, member.gid)
    return found


def unlike(expected: dict[str, Inode], found: dict[str, Inode]) -> dict[str, tuple[Inode, Inode]]:
    """Paths in both that differ: as shipped, as found."""
    both = expected.keys() & found.keys()
    return {name: (expected[name], found[name]) for name in sorted(both) if expected[name] != found[name]}


def lost(expected: dict[str, Inode], found: dict[str, Inode]) -> list[str]:
    """Paths that are gone and should not be: of documentation only copyright files and folders need stay."""
    assert len(expected) > 1000, "too little to compare"
    gone = expected.keys() - found.keys() - _UNWANTED
    return sorted(name for name in gone if not name.startswith(_DOCS) or name.endswith("/copyright"))


def special(inodes: dict[str, Inode]) -> dict[str, Inode]:
    """Those with a setuid, setgid or sticky bit, or an owner other than root."""
    return {name: inode for name, inode in inodes.items() if inode.mode & 0o7000 or inode.uid or inode.gid}


def _merged(name: str) -> str:
    name = name.removeprefix("./").strip("/")
    if name == ".":
        return ""
    first = name.partition("/")[0]
    return f"usr/{name}" if first in _MERGED else name
