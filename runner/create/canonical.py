# SPDX-License-Identifier: Apache-2.0
"""Bring a tree into the one form in which filesystem tools see no difference between equal trees.

The tools take times and the order of extended attributes as the host's filesystem reports them. Our tar writer
orders both itself; mke2fs, mksquashfs and mkfs.erofs have to be shown a tree that is in order.

That order is the access control list, the one for new files, and then all others descending: ext4 and xfs list
attributes as they were set, tmpfs since Linux 6.6 always in this order.
"""

from __future__ import annotations

import operator
import os
from typing import TYPE_CHECKING, TypeVar

from runner.create.walk import walk, xattrs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.process import LineSink

_T = TypeVar("_T")
_ACLS = (b"system.posix_acl_access", b"system.posix_acl_default")
_SECOND = 1_000_000_000


def canonicalise(root: Path, epoch: int, sink: LineSink | None = None) -> None:
    """Clamp every time in the tree to ``epoch`` and have all extended attributes listed in one order.

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
    """Have the attributes of ``path`` listed in order; return whether they are."""
    if _is_sorted(path):
        return True
    wanted = _in_order(xattrs(path), key=operator.itemgetter(0))
    for order in (wanted, wanted[::-1]):  # tmpfs before Linux 6.6 lists the latest first
        _set_anew(path, order)
        if _is_sorted(path):
            return True
    return False


def _is_sorted(path: bytes) -> bool:
    names = [os.fsencode(name) for name in os.listxattr(path, follow_symlinks=False)]
    return names == _in_order(names, key=lambda name: name)


def _in_order(items: list[_T], key: Callable[[_T], bytes]) -> list[_T]:
    first = sorted((item for item in items if key(item) in _ACLS), key=key)
    return first + sorted((item for item in items if key(item) not in _ACLS), key=key, reverse=True)


def _set_anew(path: bytes, order: list[tuple[bytes, bytes]]) -> None:
    for name, _ in order:
        os.removexattr(path, name, follow_symlinks=False)
    for name, value in order:
        os.setxattr(path, name, value, follow_symlinks=False)
