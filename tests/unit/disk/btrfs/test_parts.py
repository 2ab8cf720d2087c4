# SPDX-License-Identifier: Apache-2.0
"""Trees of any size come apart again, and files with holes come together."""

from __future__ import annotations

import io
import struct
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from runner.disk.btrfs.content import GRANULE, store
from runner.disk.btrfs.format import NODE, Key, name_hash
from runner.disk.btrfs.space import MEBIBYTE, SUPERBLOCKS, DataArea, doubled
from runner.disk.btrfs.tree import LARGEST_ITEM, Names, Tree, shape
from runner.disk.filesystems.api import Place

NAMES = Names(b"f" * 16, b"c" * 16)
HEAD, ITEM, POINTER = 101, struct.Struct("<QBQII"), struct.Struct("<QBQQQ")
START = 4096  # before a superblock, so that content meets the end of a chunk


def read(address: int, blocks: dict[int, bytes]) -> list[tuple[Key, bytes]]:
    """Return all items below the block at ``address``."""
    block = blocks[address]
    count, level = struct.unpack_from("<IB", block, 96)
    if level:
        pointers = [POINTER.unpack_from(block, HEAD + number * POINTER.size) for number in range(count)]
        below = [read(pointer[3], blocks) for pointer in pointers]
        assert [items[0][0] for items in below] == [pointer[:3] for pointer in pointers]
        return [item for items in below for item in items]
    heads = [ITEM.unpack_from(block, HEAD + number * ITEM.size) for number in range(count)]
    return [(Key(*head[:3]), block[HEAD + head[3] : HEAD + head[3] + head[4]]) for head in heads]


@settings(deadline=None)  # a machine may be busy
@given(st.lists(st.integers(0, LARGEST_ITEM), max_size=60))
@example([])
@example([3000] * 3000)  # three levels
def test_a_tree_comes_apart_again(sizes: list[int]) -> None:
    items = [(Key(number, 1, 0), bytes([number % 251]) * size) for number, size in enumerate(sizes)]
    tree = Tree(5, 1 << 30, shape(sizes))
    blocks = dict(tree.blocks(items, NAMES))
    assert sorted(blocks) == [address for address, _ in tree.places()]
    assert {len(block) for block in blocks.values()} == {NODE}
    assert read(tree.top, blocks) == items


def test_the_hash_of_a_name_is_that_of_the_kernel() -> None:
    assert name_hash(b"default") == 2378154706  # in every btrfs, as btrfs-inspect-internal(8) shows it


@settings(deadline=None)  # a machine may be busy
@given(runs=st.lists(st.tuples(st.booleans(), st.integers(1, 3 * GRANULE)), min_size=1, max_size=6))
def test_a_file_with_holes_is_whole(runs: list[tuple[bool, int]]) -> None:
    content = b"".join((b"x" if data else b"\0") * size for data, size in runs)
    device = io.BytesIO()
    area = DataArea(device, Place(Path("device"), 512, 1 << 40), START)
    pieces = store(io.BytesIO(content), area, checked=True)
    image, back = device.getvalue(), b""
    for offset, extent in pieces:
        assert offset == len(back)
        start = 512 + extent.address
        back += image[start : start + extent.size] if extent.address else bytes(extent.size)
    assert back[: len(content)] == content
    assert not any(back[len(content) :])
    assert len(back) < len(content) + 4096


def test_no_chunk_lies_where_a_superblock_does() -> None:
    for start in (MEBIBYTE, 50 * MEBIBYTE, 63 * MEBIBYTE, SUPERBLOCKS[2] - MEBIBYTE):
        chunk = doubled(start, 8 * MEBIBYTE, 4)
        assert chunk.copies[0] >= start
        for copy in chunk.copies:
            assert not any(copy <= place < copy + chunk.length for place in SUPERBLOCKS)
        assert chunk.copies[1] >= chunk.copies[0] + chunk.length
