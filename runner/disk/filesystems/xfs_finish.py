# SPDX-License-Identifier: Apache-2.0
"""Give a filesystem that mkfs.xfs filled what a protofile cannot say, and take out of it what is random.

Set are names, owners, modes, times, attributes and links. Random are times and inode generations; every inode
there is gets its own from the filesystem's seed.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
import struct
from typing import TYPE_CHECKING

from runner.create.walk import xattrs
from runner.disk.filesystems.xfs_attr import short_form
from runner.disk.filesystems.xfs_disk import (
    CORE,
    EXTENTS,
    FORMAT_AT,
    INODES_OF_CHUNK,
    LOCAL,
    Slot,
    XfsDisk,
)
from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from runner.disk.filesystems.api import FilesystemSpec
    from runner.disk.filesystems.xfs_proto import Node

_SECOND = 1_000_000_000
_BIG_TIME_ZERO = 1 << 31
_BIG_TIME_FLAG = 8
_ATTRIBUTE_ROOM = 128
_TIMES = ((32, False), (40, True), (48, False), (144, False))
"""Offset of access, change of content, change of inode and creation; true: as in the tree, else the epoch."""


def finish(image: Path, spec: FilesystemSpec, nodes: tuple[Node, ...], root: Path) -> bool:
    """Finish the filesystem in ``image``; return whether inodes became free that its tables call used.

    Raises:
        BuildError: attributes of a file do not fit into its inode.
    """
    with image.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        return _Finisher(XfsDisk(memory), spec).run(nodes, root)


class _Finisher:
    """The inodes of one image."""

    def __init__(self, disk: XfsDisk, spec: FilesystemSpec) -> None:
        self._disk = disk
        self._spec = spec
        self._slots: dict[bytes, dict[bytes, Slot]] = {}

    def run(self, nodes: tuple[Node, ...], root: Path) -> bool:
        numbers, spare = self._numbers(nodes)
        names = [1] * len(nodes)
        for node in nodes:
            if node.first is not None:
                names[node.first] += 1
        self._inode(self._disk.root, root.lstat(), os.fsencode(root), None)
        for index, node in enumerate(nodes):
            if node.first is None:
                count = None if node.entry.is_dir else names[index]
                self._inode(numbers[index], node.entry.stat, node.entry.path, count)
                self._target(numbers[index], node)
        for number in spare:
            self._free(number)
        own = self._disk.root
        self._bare_times(own + 1)  # the two inodes of the real-time section, which follow the root's
        self._bare_times(own + 2)
        used = {own, *numbers, *spare}
        for chunk in sorted({number // INODES_OF_CHUNK for number in used}):
            for number in range(chunk * INODES_OF_CHUNK, (chunk + 1) * INODES_OF_CHUNK):
                self._generation(number)
                self._disk.seal_inode(number)
        return bool(spare)

    def _numbers(self, nodes: tuple[Node, ...]) -> tuple[list[int], list[int]]:
        """Return the inode of each node, and those that further names of a file were given for now."""
        folders = {b"": self._disk.root}
        numbers: list[int] = []
        spare: list[int] = []
        for node in nodes:
            slot = self._slot(folders[node.parent], node)
            number = slot.inode
            if node.first is not None:
                spare.append(number)
                number = numbers[node.first]
            self._rename(slot, node, number)
            numbers.append(number)
            if node.entry.is_dir:
                folders[node.entry.name] = number
        return numbers, spare

    def _slot(self, folder: int, node: Node) -> Slot:
        if node.parent not in self._slots:
            self._slots[node.parent] = {slot.name: slot for slot in self._disk.slots(folder)}
        return self._slots[node.parent][node.given]

    def _rename(self, slot: Slot, node: Node, number: int) -> None:
        if (slot.name, slot.inode) == (node.name, number):
            return
        image = self._disk.image
        image[slot.name_at : slot.name_at + len(node.name)] = node.name
        image[slot.number_at : slot.number_at + slot.number_size] = number.to_bytes(slot.number_size, "big")
        if slot.block_at is not None:
            self._disk.seal_block(slot.block_at)

    def _inode(self, number: int, info: os.stat_result, path: bytes, names: int | None) -> None:
        image, at = self._disk.image, self._disk.inode_at(number)
        struct.pack_into(">H", image, at + 2, info.st_mode)
        struct.pack_into(">II", image, at + 8, info.st_uid, info.st_gid)
        if names is not None:
            struct.pack_into(">I", image, at + 16, names)
        self._times(at, info.st_mtime_ns)
        attributes = xattrs(path)
        if attributes:
            self._attributes(at, short_form(attributes), path)

    def _bare_times(self, number: int) -> None:
        self._times(self._disk.inode_at(number), self._spec.epoch * _SECOND)

    def _times(self, at: int, mtime_ns: int) -> None:
        flags = self._disk.image[at + 127]
        big = self._disk.big_times and flags & _BIG_TIME_FLAG
        for offset, own in _TIMES:
            second, rest = divmod(mtime_ns if own else self._spec.epoch * _SECOND, _SECOND)
            value = (
                struct.pack(">Q", (second + _BIG_TIME_ZERO) * _SECOND + rest)
                if big
                else struct.pack(">iI", second, rest)
            )
            self._disk.image[at + offset : at + offset + 8] = value

    def _attributes(self, at: int, packed: bytes | None, path: bytes) -> None:
        """Put the attributes behind the data, and leave them room to grow where there is any."""
        room, data = self._disk.inode_size - CORE, self._data_size(at)
        need = None if packed is None else (len(packed) + 7) // 8 * 8
        if packed is None or need is None or data is None or data + need > room:
            raise BuildError(
                f"the attributes of {os.fsdecode(path)} do not fit into an XFS inode",
                hint='make inodes larger: fscreateoptions="-i size=1024"',
            )
        offset = max(data, (room - max(need, _ATTRIBUTE_ROOM)) // 8 * 8)
        image = self._disk.image
        image[at + 82], image[at + 83] = offset // 8, LOCAL
        start = at + CORE + offset
        image[start : start + len(packed)] = packed

    def _data_size(self, at: int) -> int | None:
        """Return the bytes that the data of an inode takes in it, a multiple of 8; None if that is not simple."""
        form = self._disk.image[at + FORMAT_AT]
        if form == LOCAL:
            return (self._disk.number(at + 56, 8) + 7) // 8 * 8
        if form == EXTENTS:
            return max(16 * self._disk.number(at + 76, 4), 16)
        return 8 if stat.S_IFMT(self._disk.number(at + 2, 2)) in _WITHOUT_DATA else None

    def _target(self, number: int, node: Node) -> None:
        if not node.target:
            return
        at = self._disk.inode_at(number)
        if self._disk.image[at + FORMAT_AT] != LOCAL:
            raise BuildError(f"the target of the link {os.fsdecode(node.entry.name)} is too long for XFS")
        self._disk.image[at + CORE : at + CORE + len(node.target)] = node.target

    def _free(self, number: int) -> None:
        """Make an inode one that was never used: all but its identity is zero."""
        image, at = self._disk.image, self._disk.inode_at(number)
        for start, end in ((2, 4), (5, 96), (104, 152), (CORE, self._disk.inode_size)):
            image[at + start : at + end] = bytes(end - start)

    def _generation(self, number: int) -> None:
        seed = f"{self._spec.hash_uuid} inode {number}".encode()
        at = self._disk.inode_at(number) + 92
        self._disk.image[at : at + 4] = hashlib.sha256(seed).digest()[:4]


_WITHOUT_DATA = frozenset({stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO})
