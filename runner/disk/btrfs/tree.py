# SPDX-License-Identifier: Apache-2.0
"""Pack sorted items into the blocks of a B-tree, bottom up. How many blocks it takes follows from sizes alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.disk.btrfs.format import GENERATION, NODE, Key, crc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_HEADER = struct.Struct("<16sQQ16sQQIB")
_SUM = 32
_ITEM, _POINTER = struct.Struct("<QBQII"), struct.Struct("<QBQQQ")
_HEAD = _SUM + _HEADER.size
_ROOM = NODE - _HEAD
_POINTERS = _ROOM // _POINTER.size
_WRITTEN, _BACKREF_REVISION = 1, 1 << 56
LARGEST_ITEM = _ROOM - _ITEM.size

Item = tuple[Key, bytes]


@dataclass(frozen=True, slots=True)
class Shape:
    """The blocks of a tree: ``leaves`` are how many items each leaf has, ``levels`` how many blocks each level."""

    leaves: tuple[int, ...]
    levels: tuple[int, ...]

    @property
    def blocks(self) -> int:
        return sum(self.levels)


def shape(sizes: Iterable[int]) -> Shape:
    """Return the shape of the tree of items with ``sizes`` bytes, in their order."""
    leaves, count, used = [], 0, 0
    for size in sizes:
        whole = size + _ITEM.size
        if used + whole > _ROOM:
            leaves.append(count)
            count, used = 0, 0
        count, used = count + 1, used + whole
    levels = [len(leaves) + 1]
    while levels[-1] > 1:
        levels.append(-(-levels[-1] // _POINTERS))
    return Shape((*leaves, count), tuple(levels))


@dataclass(frozen=True, slots=True)
class Names:
    """What every block says of the filesystem it belongs to."""

    filesystem: bytes
    chunk_tree: bytes


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree that has its place: its blocks follow each other from ``address`` on, leaves first."""

    owner: int
    address: int
    shape: Shape

    @property
    def top(self) -> int:
        return self.address + (self.shape.blocks - 1) * NODE

    @property
    def level(self) -> int:
        return len(self.shape.levels) - 1

    def places(self) -> Iterator[tuple[int, int]]:
        """Yield address and level of each block."""
        levels = (level for level, count in enumerate(self.shape.levels) for _ in range(count))
        for number, level in enumerate(levels):
            yield self.address + number * NODE, level

    def blocks(self, items: Sequence[Item], names: Names) -> Iterator[tuple[int, bytes]]:
        """Yield address and bytes of each block; ``items`` have the sizes that ``shape`` was made from."""
        address, start = self.address, 0
        below: list[tuple[Key, int]] = []
        for count in self.shape.leaves:
            part = items[start : start + count]
            below.append((part[0][0] if part else Key(0, 0, 0), address))
            yield address, self._block(address, _leaf(part), len(part), 0, names)
            address, start = address + NODE, start + count
        for level in range(1, len(self.shape.levels)):
            above: list[tuple[Key, int]] = []
            for first in range(0, len(below), _POINTERS):
                group = below[first : first + _POINTERS]
                above.append((group[0][0], address))
                body = b"".join(_POINTER.pack(*key, place, GENERATION) for key, place in group)
                yield address, self._block(address, body, len(group), level, names)
                address += NODE
            below = above

    def _block(self, address: int, body: bytes, count: int, level: int, names: Names) -> bytes:
        flags = _WRITTEN | _BACKREF_REVISION
        chunk_tree = names.chunk_tree
        head = _HEADER.pack(names.filesystem, address, flags, chunk_tree, GENERATION, self.owner, count, level)
        block = (head + body).ljust(NODE - _SUM, b"\0")
        return crc(block).ljust(_SUM, b"\0") + block


def _leaf(items: Sequence[Item]) -> bytes:
    """Heads of items go up from the start, their content down from the end."""
    heads, end = [], _ROOM
    for key, data in items:
        end -= len(data)
        heads.append(_ITEM.pack(*key, end, len(data)))
    body = b"".join(heads)
    content = b"".join(data for _, data in reversed(items))
    return body + bytes(_ROOM - len(body) - len(content)) + content
