# SPDX-License-Identifier: Apache-2.0
"""Everything about a tree that packing must keep, as data to compare."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from runner.create.walk import walk, xattrs
from runner.digest import sha256_bytes

if TYPE_CHECKING:
    from pathlib import Path


class Fact(NamedTuple):
    kind: int
    mode: int
    uid: int
    gid: int
    mtime: int
    device: int
    content: str
    xattrs: tuple[tuple[bytes, bytes], ...]
    links: tuple[bytes, ...]


def facts(root: Path, *, epoch: int, with_xattrs: bool = True) -> dict[bytes, Fact]:
    """Return name → facts; times clamped to ``epoch``, sockets left out, ``links``: all names of the same file."""
    entries = [entry for entry in walk(root) if not stat.S_ISSOCK(entry.stat.st_mode)]
    names: dict[int, list[bytes]] = {}
    for entry in entries:
        names.setdefault(entry.stat.st_ino, []).append(entry.name)
    found = {}
    for entry in entries:
        info = entry.stat
        content = b""
        if entry.is_file:
            handle = os.open(entry.path, os.O_RDONLY)
            with os.fdopen(handle, "rb") as file:
                content = file.read()
        elif entry.is_link:
            content = os.readlink(entry.path)  # noqa: PTH115 - bytes
        found[entry.name] = Fact(
            kind=stat.S_IFMT(info.st_mode),
            mode=stat.S_IMODE(info.st_mode),
            uid=info.st_uid,
            gid=info.st_gid,
            mtime=min(int(info.st_mtime), epoch),
            device=info.st_rdev,
            content=sha256_bytes(content),
            xattrs=tuple(xattrs(entry.path)) if with_xattrs else (),
            links=tuple(sorted(names[info.st_ino])),
        )
    return found
