# SPDX-License-Identifier: Apache-2.0
"""Give every tree its place, once the content is written, and write the trees and the superblocks.

The trees about the filesystem have items for the blocks of all trees, their own too. So places are chosen and
items made anew until nothing moves any more, which is soon.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from runner.disk.btrfs import format as fmt
from runner.disk.btrfs import trees
from runner.disk.btrfs.format import NODE, Key, Root
from runner.disk.btrfs.space import MEBIBYTE, SUPERBLOCKS, Chunk, DataArea, doubled, system
from runner.disk.btrfs.tree import Item, Names, Shape, Tree, shape
from runner.disk.filesystems.ext_size import too_small

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO

    from runner.disk.btrfs.files import VolumeWriter
    from runner.disk.btrfs.places import Places
    from runner.disk.filesystems.api import FilesystemSpec, Place

_SUPERBLOCK = 4096
_CHUNKS_AT, _CHUNKS_ROOM = 0x32B, 2048
_LABEL = 256
_FREE_SPACE_TREE = 3
"""Read-only compatible: the tree is there and right."""

_INCOMPATIBLE = 1 | 1 << 5 | 1 << 6 | 1 << 8
"""Back references, large nodes, extended references of inodes, slim items for blocks of trees. Holes are written
down, since GRUB does not read files where they are not.
"""
_OTHER_DEFAULT = 2
_METADATA_SPARE = 32 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Content:
    """What is written already, and what is known of the trees."""

    spec: FilesystemSpec
    places: Places
    area: DataArea
    writers: Mapping[int, VolumeWriter]

    def uuid(self, purpose: str) -> UUID:
        return uuid5(UUID(self.spec.hash_uuid), purpose)

    @property
    def names(self) -> Names:
        return Names(UUID(self.spec.uuid).bytes, self.uuid("chunk tree").bytes)


@dataclass(frozen=True, slots=True)
class Assembly:
    """Where everything lies: ``chunks`` in the order of addresses, and the trees with their items."""

    chunks: tuple[Chunk, ...]
    trees: Mapping[int, Tree]
    items: Mapping[int, list[Item]]


def metadata_room(used: int) -> int:
    """Return the size of a chunk for ``used`` bytes of trees: a block is written anew before the old is free."""
    return -(-(used * 3 // 2 + _METADATA_SPARE) // MEBIBYTE) * MEBIBYTE


def assemble(content: Content, size: int) -> Assembly:
    """Find the places of all trees on a device of ``size`` bytes.

    Raises:
        BuildError: it is too small; the error says by how much.
    """
    known = {number: writer.items() for number, writer in content.writers.items()}
    uuids = {number: content.uuid(f"subvolume {number}") for number in known}
    known[fmt.CSUM_TREE] = trees.checksums(content.area.sums())
    known[fmt.UUID_TREE] = trees.uuids(uuids)
    known[fmt.DATA_RELOC_TREE] = trees.empty_folder()
    fixed = {owner: shape(len(data) for _, data in items) for owner, items in known.items()}
    if content.spec.quota_groups:
        known[fmt.QUOTA_TREE] = _quotas(content, fixed)
        fixed[fmt.QUOTA_TREE] = shape(len(data) for _, data in known[fmt.QUOTA_TREE])
    shapes: dict[int, Shape] = {}
    while True:
        chunks, placed = _places(content, fixed | shapes)
        end = max(copy + chunk.length for chunk in chunks for copy in chunk.copies)
        if end > size:
            raise too_small(size, end)
        items = _own_trees(content, chunks, placed, size, uuids)
        found = {owner: shape(len(data) for _, data in entries) for owner, entries in items.items()}
        if found == shapes:
            return Assembly(chunks, placed, known | items)
        shapes = found


def _quotas(content: Content, shapes: Mapping[int, Shape]) -> list[Item]:
    used = {
        number: shapes[number].blocks * NODE + sum(use.extent.size for use in writer.uses)
        for number, writer in content.writers.items()
    }
    limits = {volume.number: volume.quota for volume in content.places.volumes if volume.quota is not None}
    return trees.quotas(used, limits)


def _places(content: Content, shapes: Mapping[int, Shape]) -> tuple[tuple[Chunk, ...], dict[int, Tree]]:
    """Lay the trees one behind the other: that of chunks into the system's chunk, the others into metadata."""
    first, data = system(), content.area.chunks()
    before = data[-1] if data else first
    start = max(copy + before.length for copy in before.copies)
    used = sum(found.blocks for owner, found in shapes.items() if owner != fmt.CHUNK_TREE) * NODE
    metadata = replace(doubled(start, metadata_room(used), fmt.METADATA), used=used)
    placed, address = {}, metadata.address
    for owner, found in shapes.items():
        if owner == fmt.CHUNK_TREE:
            placed[owner] = Tree(owner, first.address, found)
            first = replace(first, used=found.blocks * NODE)
        else:
            placed[owner] = Tree(owner, address, found)
            address += found.blocks * NODE
    return (first, *data, metadata), placed


def _own_trees(
    content: Content, chunks: Sequence[Chunk], placed: Mapping[int, Tree], size: int, uuids: Mapping[int, UUID]
) -> dict[int, list[Item]]:
    names = content.names
    uses = [use for writer in content.writers.values() for use in writer.uses]
    entrances = [entrance for writer in content.writers.values() for entrance in writer.entrances]
    listed = {
        owner: _root(content, tree, uuids)
        for owner, tree in placed.items()
        if owner not in {fmt.ROOT_TREE, fmt.CHUNK_TREE}
    }
    device = content.uuid("device").bytes
    return {
        fmt.DEV_TREE: trees.devices(chunks, names.chunk_tree),
        fmt.FREE_SPACE_TREE: trees.free_space(chunks),
        fmt.EXTENT_TREE: trees.extents(chunks, placed.values(), uses),
        fmt.ROOT_TREE: trees.roots(listed, entrances, content.places.default.number),
        fmt.CHUNK_TREE: [
            (Key(1, fmt.DEV_ITEM, 1), _device(content, chunks, size)),
            *trees.chunk_items(chunks, device),
        ],
    }


def _root(content: Content, tree: Tree, uuids: Mapping[int, UUID]) -> Root:
    found = Root(tree.top, tree.level, tree.shape.blocks)
    if tree.owner == fmt.DATA_RELOC_TREE:
        return replace(found, folder=fmt.FIRST_FREE)
    if tree.owner not in uuids:
        return found
    volume = next(volume for volume in content.places.volumes if volume.number == tree.owner)
    return replace(
        found,
        folder=fmt.FIRST_FREE,
        uuid=uuids[tree.owner].bytes,
        epoch=content.spec.epoch,
        flags=fmt.SUBVOLUME_READ_ONLY if volume.read_only else 0,
    )


def _device(content: Content, chunks: Sequence[Chunk], size: int) -> bytes:
    used = sum(chunk.length * len(chunk.copies) for chunk in chunks)
    return fmt.dev_item(size, used, content.uuid("device").bytes, content.names.filesystem)


def write_trees(content: Content, made: Assembly, device: BinaryIO, place: Place) -> None:
    """Write all trees and superblocks."""
    for owner, tree in made.trees.items():
        chunk = next(chunk for chunk in made.chunks if 0 <= tree.address - chunk.address < chunk.length)
        for address, block in tree.blocks(made.items[owner], content.names):
            for copy in chunk.copies:
                device.seek(place.offset + copy + address - chunk.address)
                device.write(block)
    for where in SUPERBLOCKS:
        if where + _SUPERBLOCK <= place.size:
            device.seek(place.offset + where)
            device.write(_superblock(content, made, where, place.size))


def _superblock(content: Content, made: Assembly, where: int, size: int) -> bytes:
    root, chunk_root = made.trees[fmt.ROOT_TREE], made.trees[fmt.CHUNK_TREE]
    default = _OTHER_DEFAULT if content.places.default.number != fmt.FS_TREE else 0
    device = content.uuid("device").bytes
    ((key, first), *_) = trees.chunk_items(made.chunks, device)
    array = struct.pack("<QBQ", *key) + first
    label = content.spec.label.encode()[: _LABEL - 1]
    block = b"".join(
        (
            struct.pack("<16sQQ8s", content.names.filesystem, where, 1, b"_BHRfS_M"),
            struct.pack("<5Q", fmt.GENERATION, root.top, chunk_root.top, 0, 0),
            struct.pack("<4Q", size, sum(chunk.used for chunk in made.chunks), fmt.ROOT_TREE_DIR, 1),
            struct.pack("<5I", fmt.SECTOR, NODE, NODE, fmt.SECTOR, len(array)),
            struct.pack("<4Q", fmt.GENERATION, 0, _FREE_SPACE_TREE, _INCOMPATIBLE | default),
            struct.pack("<H3B", 0, root.level, chunk_root.level, 0),
            _device(content, made.chunks, size),
            label.ljust(_LABEL, b"\0"),
            struct.pack("<QQ", 0, fmt.GENERATION),
        )
    )
    block = block.ljust(_CHUNKS_AT - 32, b"\0") + array.ljust(_CHUNKS_ROOM, b"\0")
    block = block.ljust(_SUPERBLOCK - 32, b"\0")
    return fmt.crc(block).ljust(32, b"\0") + block
