# SPDX-License-Identifier: Apache-2.0
"""Btrfs, written by :mod:`runner.disk.btrfs` with its subvolumes; no tool is needed, nor is anything mounted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner.create.walk import walk, xattrs
from runner.disk.btrfs.assemble import Content, assemble, metadata_room, write_trees
from runner.disk.btrfs.files import LARGEST_INLINE, written
from runner.disk.btrfs.format import METADATA, NODE, SECTOR
from runner.disk.btrfs.places import Places
from runner.disk.btrfs.space import MEBIBYTE, SUPERBLOCKS, DataArea, doubled, system
from runner.disk.filesystems.api import Filesystem

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from runner.create.walk import Entry
    from runner.disk.filesystems.api import FilesystemSpec, Place
    from runner.process import LineSink

_PER_ENTRY, _PER_ATTRIBUTE = 640, 64
"""Bytes of items, without names and values, that a file and an attribute have in all trees."""

_EMPTY = 16 * NODE
"""Trees that every filesystem has: each is a block at least."""

_SUMS_SHARE = SECTOR // 8
"""One part of so many is checksums and further extents."""

_LOOSE = 8
"""One part of so many of the trees is room at the end of their blocks."""


def need(spec: FilesystemSpec, root: Path, scratch: Path) -> int:  # noqa: ARG001  # as all filesystems
    """See :class:`runner.disk.filesystems.api.Need`.

    A hole is counted as if it was none, and a file with names in several subvolumes once in each.
    """
    data, trees = 0, _EMPTY
    seen: set[tuple[int, int, bytes]] = set()
    points = {os.fsencode(volume.mountpoint.strip("/")) for volume in spec.subvolumes if volume.mountpoint}
    for entry in walk(root):
        trees += _PER_ENTRY + 4 * len(entry.name.rpartition(b"/")[2])
        if entry.stat.st_nlink > 1 and not entry.is_dir:
            identity = (entry.stat.st_dev, entry.stat.st_ino, _point(entry.name, points))
            if identity in seen:
                continue
            seen.add(identity)
        trees += sum(_PER_ATTRIBUTE + len(name) + len(value) for name, value in xattrs(entry.path))
        trees += _inline(entry)
        data += _sectors(entry)
    trees += data // _SUMS_SHARE
    trees += trees // _LOOSE
    end = _start() + data + len(SUPERBLOCKS) * MEBIBYTE
    metadata = doubled(-(-end // MEBIBYTE) * MEBIBYTE, metadata_room(trees), METADATA)
    return metadata.copies[-1] + metadata.length


def _point(name: bytes, points: Collection[bytes]) -> bytes:
    """Return where the subvolume is mounted that has the file ``name``; empty for that of the root."""
    while name and name not in points:
        name = name.rpartition(b"/")[0]
    return name


def _start() -> int:
    first = system()
    return max(first.copies) + first.length


def _inline(entry: Entry) -> int:
    size = entry.stat.st_size
    return size if entry.is_link or (entry.is_file and size <= LARGEST_INLINE) else 0


def _sectors(entry: Entry) -> int:
    size = entry.stat.st_size
    return -(-size // SECTOR) * SECTOR if entry.is_file and size > LARGEST_INLINE else 0


def write(
    spec: FilesystemSpec,
    root: Path,
    place: Place,
    *,
    scratch: Path,  # noqa: ARG001  # all is written where it belongs
    sink: LineSink | None = None,  # noqa: ARG001
) -> None:
    """See :class:`runner.disk.filesystems.api.Write`."""
    places = Places(root, spec.subvolumes)
    with place.file.open("r+b") as device:
        area = DataArea(device, place, _start())
        writers = {volume.number: written(volume, places, area, spec.epoch) for volume in places.volumes}
        content = Content(spec, places, area, writers)
        write_trees(content, assemble(content, place.size), device, place)


FILESYSTEM = Filesystem(version=2, tools=(), need=need, write=write)
