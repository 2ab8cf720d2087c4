# SPDX-License-Identifier: Apache-2.0
"""Walk a tree in one fixed order, whatever order the filesystem lists its names in.

Paths are bytes: a file name need not be text. Each file costs one ``lstat``.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in the tree: ``path`` to open it, ``name`` relative to the root without leading slash."""

    path: bytes
    name: bytes
    stat: os.stat_result

    @property
    def is_dir(self) -> bool:
        return stat.S_ISDIR(self.stat.st_mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.stat.st_mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.stat.st_mode)


def walk(root: Path) -> Iterator[Entry]:
    """Yield every entry below ``root``, not itself: names bytewise in each folder, a folder before its content."""
    return _walk(os.fsencode(root), b"")


def _walk(path: bytes, prefix: bytes) -> Iterator[Entry]:
    with os.scandir(path) as listing:
        found = sorted(listing, key=lambda item: item.name)
    for item in found:
        entry = Entry(item.path, prefix + item.name, item.stat(follow_symlinks=False))
        yield entry
        if entry.is_dir:
            yield from _walk(entry.path, entry.name + b"/")


def xattrs(path: bytes) -> list[tuple[bytes, bytes]]:
    """Return the extended attributes of ``path`` itself (links are not followed), sorted by name."""
    names = os.listxattr(path, follow_symlinks=False)
    if not names:
        return []
    found = ((os.fsencode(name), os.getxattr(path, name, follow_symlinks=False)) for name in names)
    return sorted(found)
