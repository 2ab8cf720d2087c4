# SPDX-License-Identifier: Apache-2.0
"""Bring a tree into the one form in which filesystem tools see no difference between equal trees.

The tools take times and the order of extended attributes as the host's filesystem reports them. Our tar writer
orders both itself; mke2fs, mksquashfs and mkfs.erofs have to be shown a tree that is in order.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner.create.walk import walk, xattrs
from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

_SECOND = 1_000_000_000


def canonicalise(root: Path, epoch: int) -> None:
    """Clamp every time in the tree to ``epoch`` and have all extended attributes listed in sorted order.

    Changes times and attribute order only, and only where they are not right already.

    Raises:
        BuildError: the filesystem below ``root`` insists on another attribute order.
    """
    own = os.fsencode(root)
    _clamp(own, os.lstat(own), epoch)
    _sort_xattrs(own)
    for entry in walk(root):
        _sort_xattrs(entry.path)
        _clamp(entry.path, entry.stat, epoch)


def _clamp(path: bytes, info: os.stat_result, epoch: int) -> None:
    if info.st_mtime_ns > epoch * _SECOND:
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _sort_xattrs(path: bytes) -> None:
    if not _is_sorted(path):
        values = xattrs(path)
        # Filesystems list attributes in the order they were set (ext4), or the latest first (tmpfs before 6.10).
        for order in (values, values[::-1]):
            _set_anew(path, order)
            if _is_sorted(path):
                return
        raise BuildError(
            f"the extended attributes of {os.fsdecode(path)} cannot be brought into order",
            why="the filesystem of the work directory lists them in an order of its own",
            hint="use a work directory on ext4, xfs or tmpfs",
        )


def _is_sorted(path: bytes) -> bool:
    names = [os.fsencode(name) for name in os.listxattr(path, follow_symlinks=False)]
    return names == sorted(names)


def _set_anew(path: bytes, order: list[tuple[bytes, bytes]]) -> None:
    for name, _ in order:
        os.removexattr(path, name, follow_symlinks=False)
    for name, value in order:
        os.setxattr(path, name, value, follow_symlinks=False)
