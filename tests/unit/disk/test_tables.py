# SPDX-License-Identifier: Apache-2.0
"""Identity, layout and table of a disk; what was written is read back by util-linux."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.disk.identity import LINUX_DATA, identify
from runner.disk.layout import MEBIBYTE, lay_out
from runner.disk.table import write_table
from runner.errors import BuildError
from runner.plan.disk import DiskPlan
from runner.plan.model import SizePlan
from runner.plan.partitions import PartitionPlan
from runner.seed import Seed

if TYPE_CHECKING:
    from pathlib import Path

    from runner.disk.model import DiskLayout

SEED = Seed(b"\x01" * 32)
EFI = PartitionPlan(role="efi", name="efi", partition_name="p.UEFI", filesystem="fat16", size_mib=20)
BIOS = PartitionPlan(role="bios_grub", name="efi_csm", partition_name="p.legacy", content="code", size_mib=2)
BOOT = PartitionPlan(role="boot", name="boot", partition_name="p.lxboot", filesystem="ext4", size_mib=30)
SWAP = PartitionPlan(role="swap", name="swap", partition_name="p.swap", filesystem="swap", size_mib=16)
ROOT = PartitionPlan(role="root", name="root", partition_name="p.lxroot", filesystem="ext4", mountpoint="/")
HOME = PartitionPlan(role="custom", name="home", partition_name="home", filesystem="xfs", size_mib=40)
RAW = PartitionPlan(role="custom", name="raw", partition_name="p.lxraw", content="nothing", size_mib=3)


def disk(*partitions: PartitionPlan, size: SizePlan | None = None, needs: int = 10, **more: Any) -> DiskLayout:
    plan = DiskPlan(**{"table": "gpt", "partitions": partitions, **more})
    identity = identify(plan, arch="x86_64", seed=SEED)
    return lay_out(plan, identity, {"root": needs * MEBIBYTE}, size)


def written(layout: DiskLayout, folder: Path) -> Path:
    path = folder / "disk.raw"
    with path.open("xb") as stream:
        stream.truncate(layout.size)
    write_table(layout, path)
    return path


def read_back(layout: DiskLayout, path: Path) -> list[dict[str, str]]:
    sector = layout.identity.sector_bytes
    columns = ("NR", "START", "SECTORS", "TYPE", "UUID", "NAME")
    done = subprocess.run(
        ["partx", "--sector-size", str(sector), "--pairs", "--output", ",".join(columns), path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [line.replace('"', "").split(" ", 5) for line in done.stdout.splitlines()]
    return [dict(pair.split("=", 1) for pair in line) for line in lines]


needs_partx = pytest.mark.skipif(shutil.which("partx") is None, reason="partx is not installed")


@needs_partx
@pytest.mark.parametrize("sector", [512, 4096])
def test_a_gpt_is_read_back(tmp_path: Path, sector: int) -> None:
    layout = disk(BIOS, EFI, BOOT, SWAP, HOME, RAW, ROOT, sector_bytes=sector)
    found = read_back(layout, written(layout, tmp_path))
    assert [entry["NAME"] for entry in found] == [
        extent.partition.plan.partition_name for extent in layout.extents
    ]
    assert [(int(entry["START"]) * 512, int(entry["SECTORS"]) * 512) for entry in found] == [
        (extent.offset, extent.size) for extent in layout.extents
    ]
    assert [entry["UUID"] for entry in found] == [extent.partition.uuid for extent in layout.extents]
    kinds = {entry["NAME"]: entry["TYPE"].upper() for entry in found}
    assert kinds["p.UEFI"] == "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
    assert kinds["p.lxroot"] == "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"
    assert kinds["p.lxraw"] == LINUX_DATA
    assert kinds["home"] == "933AC7E1-2EB4-4F13-B844-0E14E2AEF915"


@needs_partx
def test_an_mbr_with_logical_partitions_is_read_back(tmp_path: Path) -> None:
    layout = disk(BOOT, SWAP, HOME, RAW, ROOT, table="msdos", extended_layout=True)
    found = {int(entry["NR"]): entry for entry in read_back(layout, written(layout, tmp_path))}
    assert set(found) == {1, 2, 3, 4, 5, 6}
    for extent in layout.extents:
        entry = found[extent.partition.number]
        assert (int(entry["START"]) * 512, int(entry["SECTORS"]) * 512) == (extent.offset, extent.size)
        assert entry["UUID"] == extent.partition.uuid
    assert [extent.partition.number for extent in layout.extents] == [1, 2, 3, 5, 6]
    assert found[2]["TYPE"] == "0x82"


def test_boot_code_survives_the_table(tmp_path: Path) -> None:
    layout = disk(ROOT, table="msdos")
    path = tmp_path / "disk.raw"
    path.write_bytes(b"\xaa" * 440 + bytes(layout.size - 440))
    write_table(layout, path)
    assert path.read_bytes()[:440] == b"\xaa" * 440
    assert path.read_bytes()[510:512] == b"\x55\xaa"


def test_two_disks_of_one_seed_are_equal_and_of_two_are_not() -> None:
    plan = DiskPlan(table="gpt", partitions=(EFI, ROOT))
    one, again, other = (identify(plan, arch="x86_64", seed=seed) for seed in (SEED, SEED, Seed(b"\x02" * 32)))
    assert one == again
    assert not {entry.uuid for entry in one.partitions} & {entry.uuid for entry in other.partitions}
    assert len({entry.uuid for entry in one.partitions} | {one.identifier}) == 3


def test_fixed_numbers_are_kept_and_the_others_fill_the_gaps() -> None:
    fixed = (
        PartitionPlan(role="efi", name="efi", partition_name="e", number=14, size_mib=1),
        BOOT,
        PartitionPlan(role="root", name="root", partition_name="r", number=1),
        SWAP,
    )
    identity = identify(DiskPlan(table="gpt", partitions=fixed), arch="x86_64", seed=SEED)
    assert [entry.number for entry in identity.partitions] == [14, 2, 1, 3]


def test_an_mbr_holds_four() -> None:
    with pytest.raises(BuildError, match="5 partitions"):
        disk(BOOT, SWAP, HOME, RAW, ROOT, table="msdos")


def test_a_disk_that_is_too_small_says_by_how_much() -> None:
    with pytest.raises(BuildError, match="19 MiB are missing") as caught:
        disk(EFI, ROOT, size=SizePlan(mebibytes=100), needs=97)
    assert "root 97 MiB, efi 20 MiB" in str(caught.value.why)
    plan = DiskPlan(table="gpt", partitions=(BOOT, ROOT))
    identity = identify(plan, arch="x86_64", seed=SEED)
    with pytest.raises(BuildError, match="boot is too small: 7 MiB") as too_small:
        lay_out(plan, identity, {"boot": 37 * MEBIBYTE}, None)
    assert too_small.value.hint == 'say bootpartsize="37" or more, or leave something out'


def test_the_root_takes_the_rest_but_not_what_stays_unpartitioned() -> None:
    layout = disk(EFI, ROOT, size=SizePlan(mebibytes=1000, unpartitioned_mib=100))
    root = layout.extents[-1]
    assert (layout.size, root.offset + root.size) == (1000 * MEBIBYTE, 899 * MEBIBYTE)
    more = disk(EFI, ROOT, size=SizePlan(mebibytes=100, additive=True))
    assert more.size == disk(EFI, ROOT).size + 100 * MEBIBYTE


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 500), max_size=9),
    st.integers(0, 3000),
    st.sampled_from(["gpt", "msdos"]),
    st.sampled_from([512, 4096]),
    st.sampled_from([2048, 2049, 40000]),
)
def test_partitions_lie_apart_aligned_and_inside(
    sizes: list[int], need: int, table: str, sector: int, first: int
) -> None:
    parts = tuple(
        PartitionPlan(role="custom", name=f"n{number}", partition_name="x", size_mib=size)
        for number, size in enumerate(sizes)
    )
    layout = disk(
        *parts, ROOT, needs=need, table=table, sector_bytes=sector, first_sector=first, extended_layout=True
    )
    places = [(extent.offset, extent.offset + extent.size) for extent in layout.extents]
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(places))
    assert all(begin % MEBIBYTE == 0 for begin, _ in places)
    assert places[0][0] >= first * sector
    assert places[-1][1] <= layout.size - (MEBIBYTE if table == "gpt" else 0)
    assert layout.extents[-1].size >= need * MEBIBYTE
