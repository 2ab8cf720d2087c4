# SPDX-License-Identifier: Apache-2.0
"""Find and change inodes and folders in an XFS image (version 5), as mkfs.xfs leaves it.

Source: "XFS Algorithms & Data Structures". All numbers are big-endian, checksums little-endian CRC-32C.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import google_crc32c

from runner.errors import BuildError

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

INODES_OF_CHUNK = 64
CORE = 176
"""Bytes of an inode before its data."""

FORMAT_AT, CRC_AT = 5, 100
LOCAL, EXTENTS, BTREE = 1, 2, 3

_BIGTIME = 0x8
_KNOWN_INCOMPAT = 0x1F
"""Types in folders, sparse inodes, another UUID, big times, a mark that repair is needed."""

_KNOWN_RO = 0xD
_LEAF_BYTES = 1 << 35
_FREE = 0xFFFF
_BLOCK_MAGIC, _DATA_MAGIC = b"XDB3", b"XDD3"
_BLOCK_HEAD, _BTREE_HEAD = 64, 72
_BLOCK_CRC_AT = 4


@dataclass(frozen=True, slots=True)
class Slot:
    """One name in a folder: where in the image its name and inode number lie, and the block they are sealed in."""

    name: bytes
    inode: int
    name_at: int
    number_at: int
    number_size: int
    block_at: int | None


@dataclass(frozen=True, slots=True)
class Extent:
    """``count`` blocks of a file from block ``offset`` on; ``start`` is a block number of the filesystem."""

    offset: int
    start: int
    count: int


class XfsDisk:
    """An image of an XFS filesystem in memory."""

    def __init__(self, image: mmap.mmap) -> None:
        self.image = image
        self._block = self.number(4, 4)
        self.root = self.number(56, 8)
        self._group_blocks = self.number(84, 4)
        self.inode_size = self.number(104, 2)
        self._inode_bits, self._group_bits = image[123], image[124]
        if image[192] or self.number(216, 4) & ~_KNOWN_INCOMPAT or self.number(212, 4) & ~_KNOWN_RO:
            raise BuildError(
                "the XFS filesystem has features that cannot be filled in yet",
                hint="leave the fscreateoptions out, or use the mkfs.xfs of Debian 12",
            )
        self.big_times = bool(self.number(216, 4) & _BIGTIME)

    def inode_at(self, number: int) -> int:
        """Return where the inode with ``number`` begins, in bytes."""
        block, index = number >> self._inode_bits, number & (1 << self._inode_bits) - 1
        return self._block_at(block) + index * self.inode_size

    def seal_inode(self, number: int) -> None:
        """Write the checksum of an inode."""
        self._seal(self.inode_at(number), self.inode_size, CRC_AT)

    def seal_block(self, at: int) -> None:
        """Write the checksum of a folder's block."""
        self._seal(at, self._block, _BLOCK_CRC_AT)

    def slots(self, number: int) -> Iterator[Slot]:
        """Yield every name in the folder with the inode ``number``, without ``.`` and ``..``."""
        at = self.inode_at(number)
        if self.image[at + FORMAT_AT] == LOCAL:
            yield from self._short_slots(at + CORE)
            return
        for extent in self.extents(number):
            if extent.offset * self._block >= _LEAF_BYTES:
                continue
            for index in range(extent.count):
                yield from self._block_slots(self._block_at(extent.start) + index * self._block)

    def extents(self, number: int) -> Iterator[Extent]:
        """Yield where the data of an inode lies; it must have extents."""
        at = self.inode_at(number)
        data = at + CORE
        if self.image[at + FORMAT_AT] == EXTENTS:
            yield from self._records(data, self.number(at + 76, 4))
            return
        size = self.image[at + 82] * 8 or self.inode_size - CORE
        count, most = self.number(data + 2, 2), (size - 4) // 16
        for index in range(count):
            yield from self._branch(self.number(data + 4 + 8 * most + 8 * index, 8))

    def _branch(self, block: int) -> Iterator[Extent]:
        at = self._block_at(block)
        level, count = self.number(at + 4, 2), self.number(at + 6, 2)
        if not level:
            yield from self._records(at + _BTREE_HEAD, count)
            return
        most = (self._block - _BTREE_HEAD) // 16
        for index in range(count):
            yield from self._branch(self.number(at + _BTREE_HEAD + 8 * most + 8 * index, 8))

    def _records(self, at: int, count: int) -> Iterator[Extent]:
        for index in range(count):
            value = int.from_bytes(self.image[at + 16 * index : at + 16 * index + 16], "big")
            yield Extent(value >> 73 & (1 << 54) - 1, value >> 21 & (1 << 52) - 1, value & (1 << 21) - 1)

    def _short_slots(self, at: int) -> Iterator[Slot]:
        width = 8 if self.image[at + 1] else 4
        count, place = self.image[at], at + 2 + width
        for _ in range(count):
            length = self.image[place]
            name_at = place + 3
            number_at = name_at + length + 1
            yield self._slot(name_at, length, number_at, width, None)
            place = number_at + width

    def _block_slots(self, at: int) -> Iterator[Slot]:
        magic, end = self.image[at : at + 4], at + self._block
        if magic == _BLOCK_MAGIC:
            end -= 8 + 8 * self.number(end - 8, 4)
        elif magic != _DATA_MAGIC:
            raise BuildError("mkfs.xfs wrote a folder that cannot be read", why=f"its magic is {magic!r}")
        place = at + _BLOCK_HEAD
        while place < end:
            if self.number(place, 2) == _FREE:
                place += self.number(place + 2, 2)
                continue
            length = self.image[place + 8]
            slot = self._slot(place + 9, length, place, 8, at)
            if slot.name not in {b".", b".."}:
                yield slot
            place += (9 + length + 1 + 2 + 7) // 8 * 8

    def _slot(self, name_at: int, length: int, number_at: int, width: int, block_at: int | None) -> Slot:
        name = self.image[name_at : name_at + length]
        return Slot(name, self.number(number_at, width), name_at, number_at, width, block_at)

    def _block_at(self, block: int) -> int:
        group, inside = block >> self._group_bits, block & (1 << self._group_bits) - 1
        return (group * self._group_blocks + inside) * self._block

    def number(self, at: int, width: int) -> int:
        """Return the number of ``width`` bytes at ``at``."""
        return int.from_bytes(self.image[at : at + width], "big")

    def _seal(self, at: int, size: int, crc_at: int) -> None:
        struct.pack_into("<I", self.image, at + crc_at, 0)
        struct.pack_into("<I", self.image, at + crc_at, google_crc32c.value(self.image[at : at + size]))
