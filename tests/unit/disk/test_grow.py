# SPDX-License-Identifier: Apache-2.0
"""A disk grows: its table is whole at the new size, and nothing but the table has changed."""

from __future__ import annotations

import random
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from runner.disk.grow import grow
from runner.disk.identity import identify
from runner.disk.layout import MEBIBYTE, lay_out
from runner.disk.table import write_table
from runner.errors import BuildError
from runner.plan.disk import DiskPlan
from runner.plan.model import SizePlan
from runner.plan.partitions import PartitionPlan
from runner.seed import Seed

if TYPE_CHECKING:
    from pathlib import Path

PARTS = (
    PartitionPlan(role="efi", name="efi", partition_name="p.UEFI", filesystem="fat16", size_mib=20),
    PartitionPlan(role="root", name="root", partition_name="p.lxroot", filesystem="ext4", mountpoint="/"),
)
CODE = b"\xaa" * 440
needs_sfdisk = pytest.mark.skipif(shutil.which("sfdisk") is None, reason="sfdisk is not installed")


def written(path: Path, mebibytes: int, *, table: str = "gpt", sector: int = 512) -> Path:
    plan = DiskPlan(table="gpt" if table == "gpt" else "msdos", sector_bytes=sector, partitions=PARTS)
    identity = identify(plan, arch="x86_64", seed=Seed(b"\x01" * 32))
    layout = lay_out(plan, identity, {"root": 10 * MEBIBYTE}, SizePlan(mebibytes=mebibytes))
    with path.open("xb") as stream:
        stream.truncate(layout.size)
    write_table(layout, path)
    with path.open("r+b") as stream:
        stream.write(CODE)
        for extent in layout.extents:
            stream.seek(extent.offset)
            stream.write(random.Random(extent.offset).randbytes(4096))  # noqa: S311 - not a secret
    return path


def listed(disk: Path, sector: int) -> str:
    command: list[str | Path] = ["partx", "--sector-size", str(sector), "--raw", disk]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@needs_sfdisk
@pytest.mark.parametrize("sector", [512, 4096])
def test_the_second_table_moves_to_the_end(tmp_path: Path, sector: int) -> None:
    disk = written(tmp_path / "disk", 60, sector=sector)
    parts = listed(disk, sector)
    before = disk.read_bytes()
    grow(disk, 100 * MEBIBYTE)
    after = disk.read_bytes()
    assert len(after) == 100 * MEBIBYTE
    assert listed(disk, sector) == parts
    assert after[:440] == CODE
    assert after[MEBIBYTE : 59 * MEBIBYTE] == before[MEBIBYTE : 59 * MEBIBYTE]
    assert not any(after[59 * MEBIBYTE : 99 * MEBIBYTE])
    with disk.open("r+b") as stream:  # and the copy alone will do
        stream.seek(sector)
        stream.write(bytes(sector))
    assert listed(disk, sector) == parts


@needs_sfdisk
def test_other_tools_find_it_whole(tmp_path: Path) -> None:
    disk = written(tmp_path / "disk", 60)
    grow(disk, 100 * MEBIBYTE)
    done = subprocess.run(["sfdisk", "--verify", disk], check=True, capture_output=True, text=True)
    assert "No errors detected" in done.stdout
    shown = subprocess.run(["sfdisk", "--dump", disk], check=True, capture_output=True, text=True).stdout
    assert f"last-lba: {100 * MEBIBYTE // 512 - 34}" in shown


def test_it_is_the_disk_that_would_have_been_made_but_for_its_partitions(tmp_path: Path) -> None:
    small, fixed = written(tmp_path / "small", 60), written(tmp_path / "same", 60)
    grow(small, 60 * MEBIBYTE)
    assert small.read_bytes() == fixed.read_bytes()


def test_an_mbr_only_gets_more_room(tmp_path: Path) -> None:
    disk = written(tmp_path / "disk", 60, table="msdos")
    before = disk.read_bytes()
    grow(disk, 64 * MEBIBYTE)
    assert disk.read_bytes() == before + bytes(4 * MEBIBYTE)


def test_a_disk_never_shrinks(tmp_path: Path) -> None:
    disk = written(tmp_path / "disk", 60)
    before = disk.read_bytes()
    with pytest.raises(BuildError, match="cannot be made smaller"):
        grow(disk, 59 * MEBIBYTE)
    assert disk.read_bytes() == before


@pytest.mark.parametrize("place", [512 + 48, 1024 + 5])
def test_a_damaged_table_is_left_alone(tmp_path: Path, place: int) -> None:
    disk = written(tmp_path / "disk", 60)
    with disk.open("r+b") as stream:
        stream.seek(place)
        stream.write(b"\xff")
    before = disk.read_bytes()
    with pytest.raises(BuildError, match="damaged"):
        grow(disk, 100 * MEBIBYTE)
    assert disk.read_bytes()[: len(before)] == before
