# SPDX-License-Identifier: Apache-2.0
"""Items of btrfs's trees as they lie on disk; names are those of the kernel's ``btrfs_tree.h``."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

import google_crc32c

SECTOR, NODE, STRIPE = 4096, 16384, 65536
GENERATION = 1
"""Of everything: it is all written in the filesystem's first transaction."""

ROOT_TREE, EXTENT_TREE, CHUNK_TREE, DEV_TREE, FS_TREE = 1, 2, 3, 4, 5
ROOT_TREE_DIR, CSUM_TREE, QUOTA_TREE, UUID_TREE, FREE_SPACE_TREE = 6, 7, 8, 9, 10
DATA_RELOC_TREE, EXTENT_CSUM = (1 << 64) - 9, (1 << 64) - 10
FIRST_FREE = 256
"""Number of the first subvolume, of the root folder in each, and of the first chunk."""

INODE_ITEM, INODE_REF, XATTR_ITEM, DIR_ITEM, DIR_INDEX, EXTENT_DATA = 1, 12, 24, 84, 96, 108
EXTENT_CSUM_ITEM, ROOT_ITEM, ROOT_BACKREF, ROOT_REF = 128, 132, 144, 156
EXTENT_ITEM, METADATA_ITEM, TREE_BLOCK_REF, EXTENT_DATA_REF = 168, 169, 176, 178
BLOCK_GROUP_ITEM, FREE_SPACE_INFO, FREE_SPACE_EXTENT = 192, 198, 199
DEV_EXTENT, DEV_ITEM, CHUNK_ITEM = 204, 216, 228
QGROUP_STATUS, QGROUP_INFO, QGROUP_LIMIT, UUID_SUBVOL = 240, 242, 244, 251
DATA, SYSTEM, METADATA, DUP = 1, 2, 4, 32

FT_REGULAR, FT_FOLDER, FT_CHARACTER, FT_BLOCK, FT_FIFO, FT_SOCKET, FT_LINK, FT_XATTR = range(1, 9)
NODATASUM, NODATACOW, ROOT_ITEM_INIT = 1, 2, 1 << 31
SUBVOLUME_READ_ONLY = 1

_INODE = struct.Struct("<5Q4I3Q32x" + "QI" * 4)
_DIR = struct.Struct("<QBQQHHB")
_ROOT = struct.Struct("<160s7QI17xBBQ16s32x4Q" + "QI" * 4 + "64x")
_CHUNK, _STRIPE = struct.Struct("<4Q3I2H"), struct.Struct("<QQ16s")
_FOLDER_MODE = 0o040755


class Key(NamedTuple):
    """Where an item is in its tree; trees are in the order of keys."""

    objectid: int
    type: int
    offset: int


@dataclass(frozen=True, slots=True)
class Inode:
    """What an inode is, apart from its names and content. ``mtime`` is in nanoseconds, ``epoch`` in seconds."""

    mode: int
    epoch: int
    size: int = 0
    on_disk: int = 0
    names: int = 1
    uid: int = 0
    gid: int = 0
    device: int = 0
    flags: int = 0
    mtime: int | None = None

    def packed(self) -> bytes:
        second, rest = (self.epoch, 0) if self.mtime is None else divmod(self.mtime, 1_000_000_000)
        counted = (GENERATION, GENERATION, self.size, self.on_disk, 0)
        owned = (self.names, self.uid, self.gid, self.mode)
        times = (self.epoch, 0, self.epoch, 0, second, rest, self.epoch, 0)
        return _INODE.pack(*counted, *owned, self.device, self.flags, 0, *times)


@dataclass(frozen=True, slots=True)
class Root:
    """A tree as the root tree names it: its top block, and for a subvolume who that is."""

    address: int
    level: int
    blocks: int
    folder: int = 0
    uuid: bytes = bytes(16)
    epoch: int = 0
    flags: int = 0

    def packed(self) -> bytes:
        inode = Inode(_FOLDER_MODE, 0, size=3, on_disk=NODE, flags=ROOT_ITEM_INIT if self.folder else 0)
        head = (GENERATION, self.folder, self.address, 0, self.blocks * NODE, 0, self.flags, 1)
        transactions = (GENERATION, GENERATION, 0, 0)
        times = (self.epoch, 0, self.epoch, 0, 0, 0, 0, 0)
        state = (0, self.level, GENERATION, self.uuid)
        return _ROOT.pack(inode.packed(), *head, *state, *transactions, *times)


def crc(data: bytes) -> bytes:
    """Return the checksum of ``data`` as it is stored."""
    value: int = google_crc32c.value(data)
    return value.to_bytes(4, "little")


def name_hash(name: bytes) -> int:
    """Return the hash of a name in a folder (``btrfs_name_hash``): CRC-32C from -2 on, not turned over."""
    value: int = google_crc32c.extend(1, name)
    return value ^ 0xFFFFFFFF


def folder_entry(location: Key, name: bytes, kind: int, value: bytes = b"") -> bytes:
    """Return an entry of a folder, or with ``value`` an extended attribute."""
    return _DIR.pack(*location, GENERATION, len(value), len(name), kind) + name + value


def inode_ref(index: int, name: bytes) -> bytes:
    """Return the item that leads from an inode back to the ``index``-th entry of a folder."""
    return struct.pack("<QH", index, len(name)) + name


def root_ref(folder: int, index: int, name: bytes) -> bytes:
    """Return the item that says in which folder of its parent a subvolume is."""
    return struct.pack("<QQH", folder, index, len(name)) + name


def inline_data(data: bytes) -> bytes:
    """Return the item of content that lies in the tree itself."""
    return struct.pack("<QQ5B", GENERATION, len(data), 0, 0, 0, 0, 0) + data


def extent_data(address: int, size: int) -> bytes:
    """Return the item of ``size`` bytes of content at ``address``; at address 0 it is a hole."""
    return struct.pack("<QQ5B4Q", GENERATION, size, 0, 0, 0, 0, 1, address, size if address else 0, 0, size)


def metadata_extent(owner: int) -> bytes:
    """Return the item of a block of the tree ``owner``."""
    return struct.pack("<QQQBQ", 1, GENERATION, 2, TREE_BLOCK_REF, owner)


def data_extent(owner: int, inode: int, offset: int) -> bytes:
    """Return the item of content that is used once: at ``offset`` of ``inode`` in the tree ``owner``."""
    return struct.pack("<QQQBQQQI", 1, GENERATION, 1, EXTENT_DATA_REF, owner, inode, offset, 1)


def block_group(used: int, flags: int) -> bytes:
    """Return the item that says how much of a chunk is in use."""
    return struct.pack("<QQQ", used, FIRST_FREE, flags)


def chunk_item(length: int, flags: int, copies: tuple[int, ...], device: bytes) -> bytes:
    """Return the item that says where the copies of a chunk lie on the device."""
    head = _CHUNK.pack(length, EXTENT_TREE, STRIPE, flags, STRIPE, STRIPE, SECTOR, len(copies), 1)
    return head + b"".join(_STRIPE.pack(1, place, device) for place in copies)


def dev_extent(address: int, length: int, chunk_tree: bytes) -> bytes:
    """Return the item that says which chunk lies in a part of the device."""
    return struct.pack("<4Q16s", CHUNK_TREE, FIRST_FREE, address, length, chunk_tree)


def dev_item(total: int, used: int, device: bytes, filesystem: bytes) -> bytes:
    """Return the item of the only device."""
    head = (1, total, used, SECTOR, SECTOR, SECTOR, 0, 0, 0, 0, 0, 0)
    return struct.pack("<3Q3I3QIBB16s16s", *head, device, filesystem)
