# SPDX-License-Identifier: Apache-2.0
"""The trees that a filesystem has about itself: each of these functions returns the items of one, in order."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from runner.disk.btrfs import format as fmt
from runner.disk.btrfs.format import Inode, Key, Root

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from runner.disk.btrfs.files import Entrance, Use
    from runner.disk.btrfs.space import Chunk
    from runner.disk.btrfs.tree import Item, Tree

_FOLDER = 0o040755
_SUMS_OF_ITEM = 4000
_DEFAULT = b"default"
_QUOTAS_ON, _LIMITED = 1, 1


def checksums(runs: Iterable[tuple[int, bytes]]) -> list[Item]:
    """Return the checksums of all content."""
    step = 4 * _SUMS_OF_ITEM
    return [
        (Key(fmt.EXTENT_CSUM, fmt.EXTENT_CSUM_ITEM, address + at // 4 * fmt.SECTOR), sums[at : at + step])
        for address, sums in runs
        for at in range(0, len(sums), step)
    ]


def uuids(volumes: Mapping[int, UUID]) -> list[Item]:
    """Return which subvolume has which UUID."""
    found = []
    for number, uuid in volumes.items():
        low, high = struct.unpack("<QQ", uuid.bytes)
        found.append((Key(low, fmt.UUID_SUBVOL, high), struct.pack("<Q", number)))
    return sorted(found)


def quotas(used: Mapping[int, int], limits: Mapping[int, int]) -> list[Item]:
    """Return how many bytes each subvolume has, all of them its own, and the most that it may have."""
    found = [(Key(0, fmt.QGROUP_STATUS, 0), struct.pack("<4Q", 1, fmt.GENERATION, _QUOTAS_ON, 0))]
    for number, size in used.items():
        info = struct.pack("<5Q", fmt.GENERATION, size, size, size, size)
        limit = struct.pack("<5Q", _LIMITED if number in limits else 0, limits.get(number, 0), 0, 0, 0)
        found += [(Key(0, fmt.QGROUP_INFO, number), info), (Key(0, fmt.QGROUP_LIMIT, number), limit)]
    return sorted(found)


def empty_folder(number: int = fmt.FIRST_FREE) -> list[Item]:
    """Return a root folder with nothing in it."""
    return [
        (Key(number, fmt.INODE_ITEM, 0), Inode(_FOLDER, 0).packed()),
        (Key(number, fmt.INODE_REF, number), fmt.inode_ref(0, b"..")),
    ]


def devices(chunks: Iterable[Chunk], chunk_tree: bytes) -> list[Item]:
    """Return which chunk lies in which part of the device."""
    return sorted(
        (Key(1, fmt.DEV_EXTENT, copy), fmt.dev_extent(chunk.address, chunk.length, chunk_tree))
        for chunk in chunks
        for copy in chunk.copies
    )


def chunk_items(chunks: Iterable[Chunk], device: bytes) -> list[Item]:
    """Return where all chunks lie."""
    return [
        (
            Key(fmt.FIRST_FREE, fmt.CHUNK_ITEM, chunk.address),
            fmt.chunk_item(chunk.length, chunk.flags, chunk.copies, device),
        )
        for chunk in chunks
    ]


def free_space(chunks: Iterable[Chunk]) -> list[Item]:
    """Return what is free in each chunk: its end."""
    found = []
    for chunk in chunks:
        free = chunk.length - chunk.used
        count = struct.pack("<II", 1 if free else 0, 0)
        found.append((Key(chunk.address, fmt.FREE_SPACE_INFO, chunk.length), count))
        if free:
            found.append((Key(chunk.address + chunk.used, fmt.FREE_SPACE_EXTENT, free), b""))
    return found


def extents(chunks: Iterable[Chunk], trees: Iterable[Tree], uses: Iterable[Use]) -> list[Item]:
    """Return what every used part of every chunk is for."""
    found = [
        (Key(chunk.address, fmt.BLOCK_GROUP_ITEM, chunk.length), fmt.block_group(chunk.used, chunk.flags))
        for chunk in chunks
    ]
    for tree in trees:
        item = fmt.metadata_extent(tree.owner)
        found += [(Key(address, fmt.METADATA_ITEM, level), item) for address, level in tree.places()]
    for use in uses:
        key = Key(use.extent.address, fmt.EXTENT_ITEM, use.extent.size)
        found.append((key, fmt.data_extent(use.owner, use.inode, use.offset)))
    return sorted(found)


def roots(trees: Mapping[int, Root], entrances: Iterable[Entrance], default: int) -> list[Item]:
    """Return where every tree is, in which folders the subvolumes are, and which of them is the ``default``."""
    found = [(Key(owner, fmt.ROOT_ITEM, 0), root.packed()) for owner, root in trees.items()]
    for entrance in entrances:
        item = fmt.root_ref(entrance.folder, entrance.index, entrance.name)
        found.append((Key(entrance.parent, fmt.ROOT_REF, entrance.child), item))
        found.append((Key(entrance.child, fmt.ROOT_BACKREF, entrance.parent), item))
    location = Key(default, fmt.ROOT_ITEM, (1 << 64) - 1)
    entry = fmt.folder_entry(location, _DEFAULT, fmt.FT_FOLDER)
    found.append((Key(fmt.ROOT_TREE_DIR, fmt.DIR_ITEM, fmt.name_hash(_DEFAULT)), entry))
    return sorted([*found, *empty_folder(fmt.ROOT_TREE_DIR)])
