# SPDX-License-Identifier: Apache-2.0
"""Plan a disk: its partition table, and which partitions it has in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from runner.plan.boot import EFI
from runner.plan.partitions import PartitionPlan, Setting, plan_partitions
from runner.plan.volumes import BtrfsPlan, VolumesPlan, plan_btrfs, plan_volumes

if TYPE_CHECKING:
    from runner.description.model.types import ImageType
    from runner.plan.protection import OverlayRootPlan

_FIRST_SECTOR, _SECTOR_BYTES = 2048, 512
_GPT_FIRMWARE = frozenset({"ofw", "opal"})
_DASD_TARGETS = frozenset({"CDL"})

Table = Literal["gpt", "msdos", "dasd"]


class DiskPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A disk before anything is measured.

    Attributes:
        table: kind of partition table that is written.
        convert_to_mbr: the finished GPT is converted to a plain MBR.
        hybrid_mbr: the GPT carries an MBR with up to three of its partitions.
        extended_layout: with an MBR the fourth partition is an extended one that holds the rest.
        first_sector: where the first partition begins, in sectors of ``sector_bytes``.
        partitions: in the order they lie on the disk.
        volumes: what is inside the root partition, if volume management is on.
        mdraid: mirroring or striping: the root partition is the only present member of an array.
    """

    table: Table
    convert_to_mbr: bool = False
    hybrid_mbr: bool = False
    extended_layout: bool = False
    first_sector: int = _FIRST_SECTOR
    sector_bytes: int = _SECTOR_BYTES
    partitions: tuple[PartitionPlan, ...] = ()
    volumes: VolumesPlan | None = None
    btrfs: BtrfsPlan | None = None
    mdraid: str = ""


def plan_disk(
    entry: ImageType, *, machine: str, firmware: str, overlay: OverlayRootPlan | None
) -> DiskPlan | None:
    """Plan the disk of ``entry`` for ``machine``; None for types that are no disk."""
    if entry.image != "oem":
        return None
    said, table = entry.disk, _table(entry, firmware)
    volumes = plan_volumes(entry, machine)
    setting = Setting(
        entry=entry, machine=machine, firmware=firmware, table=table, volumes=volumes, overlay=overlay
    )
    return DiskPlan(
        table=table,
        convert_to_mbr=said.force_mbr or False,
        hybrid_mbr=said.gpt_hybrid_mbr or False,
        extended_layout=said.dosparttable_extended_layout or False,
        first_sector=said.disk_start_sector or _FIRST_SECTOR,
        sector_bytes=said.target_blocksize or _SECTOR_BYTES,
        partitions=plan_partitions(setting),
        volumes=volumes,
        btrfs=plan_btrfs(entry),
        mdraid=said.mdraid,
    )


def _table(entry: ImageType, firmware: str) -> Table:
    if firmware in EFI:
        return "msdos" if entry.disk.efiparttable == "msdos" else "gpt"
    target = entry.bootloader.targettype if entry.bootloader else ""
    if firmware in _GPT_FIRMWARE or target == "GPT":
        return "gpt"
    return "dasd" if target in _DASD_TARGETS else "msdos"
