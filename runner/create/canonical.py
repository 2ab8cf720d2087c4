# SPDX-License-Identifier: Apache-2.0
"""Bring a tree into the one form in which filesystem tools see no difference between equal trees.

The tools take times and the order of extended attributes as the host's filesystem reports them. Our tar writer
orders both itself; mke2fs, mksquashfs and mkfs.erofs have to be shown a tree that is in order.

That order is descending: ext4 and xfs list attributes as they were set, tmpfs since Linux 6.6 always in descending
order and before that the latest first.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner.create.walk import walk, xattrs

if TYPE_CHECKING:
    from pathlib import Path

    from runner.process import LineSink

_SECOND = 1_000_000_000


def canonicalise(root: Path, epoch: int, sink: LineSink | None = None) -> None:
    """Clamp every time in the tree to ``epoch`` and have all extended attributes listed in descending order.

    Changes times and attribute order only, and only where they are not right already. A filesystem with an order
    of its own (btrfs goes by hash) is named to ``sink``: another machine may then get other bytes.
    """
    own = os.fsencode(root)
    _clamp(own, os.lstat(own), epoch)
    unsorted = [] if _sort_xattrs(own) else [own]
    for entry in walk(root):
        if not _sort_xattrs(entry.path):
            unsorted.append(entry.path)
        _clamp(entry.path, entry.stat, epoch)
    if unsorted and sink is not None:
        sink(
            "warning: the work directory's filesystem lists extended attributes in an order of its own,"
            f" so this image may differ from one built elsewhere ({len(unsorted)} files, such as"
            f" {os.fsdecode(unsorted[0])})"
        )


def _clamp(path: bytes, info: os.stat_result, epoch: int) -> None:
    if info.st_mtime_ns > epoch * _SECOND:
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _sort_xattrs(path: bytes) -> bool:
    """Have the attributes of ``path`` listed in descending order; return whether they are."""
    if _is_sorted(path):
        return True
    ascending = xattrs(path)
    for order in (ascending[::-1], ascending):
        _set_anew(path, order)
        if _is_sorted(path):
            return True
    return False


def _is_sorted(path: bytes) -> bool:
    names = [os.fsencode(name) for name in os.listxattr(path, follow_symlinks=False)]
    return names == sorted(names, reverse=True)


def _set_anew(path: bytes, order: list[tuple[bytes, bytes]]) -> None:
    for name, _ in order:
        os.removexattr(path, name, follow_symlinks=False)
    for name, value in order:
        os.setxattr(path, name, value, follow_symlinks=False)
