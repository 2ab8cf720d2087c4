# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.disk.filesystems.ext import split_extended
from runner.disk.filesystems.ext_size import MEBIBYTE, Content, layout, measure
from runner.errors import BuildError
from runner.plan.model import SizePlan

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(10 * 4096))
    one = measure(tmp_path)
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert measure(tmp_path) == one
    (tmp_path / "c").write_bytes(b"x")
    assert measure(tmp_path) == Content(one.blocks + 1, one.inodes + 1)


def test_room_is_half_again_the_data() -> None:
    content = Content(blocks=100_000, inodes=1000)
    assert layout(content, None).size >= 100_000 * 4096 * 3 // 2
    assert layout(content, None).size % MEBIBYTE == 0


@pytest.mark.parametrize("blocks", [1, 1000, 40_000, 300_000, 3_000_000])
@pytest.mark.parametrize("inodes", [20, 5000, 500_000])
def test_the_chosen_size_is_one_that_would_be_accepted(blocks: int, inodes: int) -> None:
    content = Content(blocks, inodes)
    chosen = layout(content, None)
    assert chosen.inodes > inodes
    again = layout(content, SizePlan(mebibytes=chosen.size // MEBIBYTE))
    assert again == chosen


def test_a_size_too_small_tells_by_how_much() -> None:
    content = Content(blocks=25_600, inodes=100)
    with pytest.raises(BuildError) as caught:
        layout(content, SizePlan(mebibytes=50))
    missing = int(caught.value.what.split()[-2])
    assert layout(content, SizePlan(mebibytes=50 + missing)).size == (50 + missing) * MEBIBYTE
    with pytest.raises(BuildError, match="by 1 MiB"):
        layout(content, SizePlan(mebibytes=50 + missing - 1))


def test_an_additive_size_is_added() -> None:
    content = Content(blocks=1000, inodes=100)
    more = layout(content, SizePlan(mebibytes=7, additive=True))
    assert more.size == layout(content, None).size + 7 * MEBIBYTE


def test_extended_options_are_collected() -> None:
    options = ("-O", "^huge_file", "-E", "stride=4,nodiscard", "-m", "1", "-Eresize=100")
    assert split_extended(options) == (("-O", "^huge_file", "-m", "1"), ("stride=4", "nodiscard", "resize=100"))
