# SPDX-License-Identifier: Apache-2.0
"""How large an ext2, ext3 or ext4 filesystem must be, from the files alone.

What ``du`` says depends on the host's filesystem; this counts blocks and inodes as ext lays them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.create.walk import walk, xattrs
from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.walk import Entry
    from runner.plan.model import SizePlan

BLOCK = 4096
INODE_SIZE = 256
MEBIBYTE = 1 << 20
_RESERVED_INODES = 11
_LOST_AND_FOUND = 4
_GROUP_BLOCKS = 8 * BLOCK
_GROUP_DESCRIPTOR = 64
_INODES_IN_BLOCK = BLOCK // INODE_SIZE
_FAST_LINK = 60
_DIR_ENTRY = 8
_IN_INODE_XATTRS = 90
_EXTENT_BLOCKS = 8192
"""Blocks after which a file is counted one more block of extents; mke2fs writes long runs, so this is generous."""
_RESERVED_SHARE = 0.05
_MINIMUM = 16 * MEBIBYTE
_JOURNAL = ((2048, 0), (32768, 1024), (262144, 4096), (524288, 8192), (4194304, 16384), (8388608, 32768))
"""Filesystem blocks below which mke2fs makes a journal of so many blocks (``ext2fs_default_journal_size``)."""
_JOURNAL_LARGEST = 262144


@dataclass(frozen=True, slots=True)
class Content:
    """What a tree takes: blocks of file data, folders and long attributes, and inodes."""

    blocks: int
    inodes: int


def measure(root: Path) -> Content:
    """Count the blocks and inodes of everything below ``root``; a file with many names counts once."""
    blocks, inodes = _LOST_AND_FOUND + 1, _RESERVED_INODES
    seen: set[tuple[int, int]] = set()
    folders: dict[bytes, int] = {}
    for entry in walk(root):
        parent, _, name = entry.name.rpartition(b"/")
        folders[parent] = folders.get(parent, 0) + _dir_entry(name)
        identity = (entry.stat.st_dev, entry.stat.st_ino)
        if entry.stat.st_nlink > 1 and not entry.is_dir:
            if identity in seen:
                continue
            seen.add(identity)
        inodes += 1
        blocks += _blocks(entry)
    # Half-empty blocks of split folders and their hash index: twice the names' bytes is enough.
    blocks += sum(_whole_blocks(2 * length) for length in folders.values())
    return Content(blocks, inodes)


def _dir_entry(name: bytes) -> int:
    return _DIR_ENTRY + (len(name) + 3) // 4 * 4


def _blocks(entry: Entry) -> int:
    size = entry.stat.st_size
    blocks = 0
    if entry.is_dir:
        blocks = 1
    elif entry.is_file or (entry.is_link and size >= _FAST_LINK):
        blocks = _whole_blocks(size)
        blocks += blocks // _EXTENT_BLOCKS
    attributes = sum(len(name) + len(value) + 20 for name, value in xattrs(entry.path))
    return blocks + (_whole_blocks(attributes) if attributes > _IN_INODE_XATTRS else 0)


def _whole_blocks(size: int) -> int:
    return -(-size // BLOCK)


@dataclass(frozen=True, slots=True)
class Layout:
    """The chosen size in bytes and number of inodes."""

    size: int
    inodes: int


def layout(content: Content, size: SizePlan | None) -> Layout:
    """Choose size and inode count for ``content``.

    Without ``size`` this is KIWI's rule: one and a half times the data and twice the inodes' room, or what the
    filesystem needs if that is more. An additive ``size`` is added to it, any other is taken as it is.

    Raises:
        BuildError: the asked size is too small; the error says by how much.
    """
    inodes = inode_count(content)
    needed = _needed(content, inodes)
    if size is not None and not size.additive:
        total = size.mebibytes * MEBIBYTE
        if total < needed:
            raise too_small(total, needed)
        return Layout(total, inodes)
    rule = content.blocks * BLOCK * 3 // 2 + 2 * content.inodes * INODE_SIZE
    extra = size.mebibytes * MEBIBYTE if size is not None else 0
    return Layout(_round_up(max(rule, needed) + extra), inodes)


def inode_count(content: Content) -> int:
    """Return how many inodes a filesystem for ``content`` gets: its own, and room for more."""
    return content.inodes + content.inodes // 4 + 1024


def least_size(content: Content) -> int:
    """Return the bytes that ``content`` needs at least, a whole number of mebibytes."""
    return _needed(content, inode_count(content))


def too_small(total: int, needed: int) -> BuildError:
    """Return the error for a filesystem of ``total`` bytes whose content needs ``needed``."""
    asked, need = total // MEBIBYTE, -(-needed // MEBIBYTE)
    return BuildError(
        f"the image size of {asked} MiB is too small for the root tree by {need - asked} MiB",
        why=f"files, inodes and journal take {need} MiB",
        hint=f'raise <size unit="M"> to {need} or more, or leave it out to have the size chosen',
    )


def _needed(content: Content, inodes: int) -> int:
    """Return the least size in bytes, with the share that ext keeps for root, rounded up to a mebibyte."""
    total = _MINIMUM // BLOCK
    while True:
        use = content.blocks + _overhead(total, inodes)
        least = max(_MINIMUM // BLOCK, int(use / (1 - _RESERVED_SHARE)) + 1)
        if least <= total:
            return _round_up(total * BLOCK)
        total = least


def _overhead(total: int, inodes: int) -> int:
    """Return the blocks of metadata in a filesystem of ``total`` blocks."""
    groups = -(-total // _GROUP_BLOCKS)
    backups = min(groups, 2 + groups.bit_length() * 2)
    descriptors = _whole_blocks(groups * _GROUP_DESCRIPTOR)
    growth = min(1024, _whole_blocks(groups * 1024 * _GROUP_DESCRIPTOR))
    inode_table = -(-inodes // _INODES_IN_BLOCK) + groups * _INODES_IN_BLOCK
    journal = next((blocks for limit, blocks in _JOURNAL if total < limit), _JOURNAL_LARGEST)
    return inode_table + journal + 2 * groups + backups * (1 + descriptors + growth)


def _round_up(size: int) -> int:
    return -(-size // MEBIBYTE) * MEBIBYTE
