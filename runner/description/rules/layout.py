# SPDX-License-Identifier: Apache-2.0
"""Rules about the layout of disks: whether the partitions that are asked for can lie on one disk."""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from runner.description.rules.rule import Rule
from runner.plan.boot import default_firmware
from runner.plan.disk import plan_disk
from runner.plan.protection import plan_overlay_root
from runner.plan.sizes import in_unit, least_mib

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.description.model.types import ImageType
    from runner.description.rules.rule import Found, Subject
    from runner.errors import Location
    from runner.plan.disk import DiskPlan
    from runner.plan.partitions import PartitionPlan

_OWN = frozenset({"boot", "efi"})
"""Partitions of the disk's own that are mounted below the root."""

_MOST = {"gpt": 128, "msdos": 4}
_EXTENDED = 4
_MIB = 1 << 20


def _mountpoint_free(subject: Subject) -> Found:
    """A disk has its own partitions for the bootloader, and mounts them itself."""
    for entry, disk in _disks(subject):
        own = {part.mountpoint for part in disk.partitions if part.role in _OWN}
        for part in disk.partitions:
            if part.role not in _OWN and part.mountpoint in own:
                yield f"the disk has a partition of its own for {part.mountpoint}", _place(entry, part)


def _mountpoint_inside(subject: Subject) -> Found:
    """A mountpoint is a folder of the image."""
    for entry, disk in _disks(subject):
        for part in disk.partitions:
            if ".." in PurePosixPath(part.mountpoint).parts:
                yield f"{part.mountpoint} leads upwards", _place(entry, part)


def _numbers_in_table(subject: Subject) -> Found:
    """A partition table has places for so many partitions."""
    for entry, disk in _disks(subject):
        extended = disk.table == "msdos" and disk.extended_layout
        most = _MOST["gpt"] if extended else _MOST.get(disk.table, _MOST["gpt"])
        for part in disk.partitions:
            if part.number is not None and not 1 <= part.number <= most:
                yield f"{_named(disk)} has the numbers 1 to {most}, not {part.number}", _place(entry, part)
            elif extended and part.number == _EXTENDED:
                yield f"{_named(disk)} has the extended partition at number {_EXTENDED}", _place(entry, part)


def _partitions_fit_table(subject: Subject) -> Found:
    """Without an extended partition an MBR holds four."""
    for entry, disk in _disks(subject):
        count = len(disk.partitions)
        if disk.table == "msdos" and not disk.extended_layout and count > _MOST["msdos"]:
            names = ", ".join(part.name for part in disk.partitions)
            yield f"{count} partitions do not fit into {_named(disk)}: {names}", entry.at


def _partitions_fit_size(subject: Subject) -> Found:
    """Partitions that have a size take it, whatever is in them."""
    for entry, disk in _disks(subject):
        size = entry.size
        if size is None or size.additive or not size.value:
            continue
        fixed = {part.name: part.size_mib for part in disk.partitions if part.size_mib is not None}
        least = -(-disk.first_sector * disk.sector_bytes // _MIB) + sum(fixed.values())
        room = in_unit(size.value - (size.unpartitioned or 0), size.unit)
        if least > room:
            taken = ", ".join(f"{name} {mib}" for name, mib in fixed.items())
            yield f"the partitions take {least} MiB, and the disk has {room}: {taken}", size.at


def _partition_holds_filesystem(subject: Subject) -> Found:
    """Each kind of filesystem needs some space for itself."""
    for entry, disk in _disks(subject):
        for part in disk.partitions:
            least = least_mib(part.filesystem, disk.sector_bytes)
            if part.content == "filesystem" and part.size_mib is not None and part.size_mib < least:
                yield (
                    f"the partition {part.name} has {part.size_mib} MiB, and {part.filesystem} needs {least}",
                    _place(entry, part),
                )


def _labels_unique(subject: Subject) -> Found:
    """A filesystem is found by its label only when no other has it."""
    for entry, disk in _disks(subject):
        labels = defaultdict[str, list["PartitionPlan"]](list)
        for part in disk.partitions:
            labels[part.label].append(part)
        for label, parts in labels.items():
            if label and len(parts) > 1:
                yield f"{len(parts)} filesystems have the label {label}", _place(entry, parts[0])


def _disks(subject: Subject) -> Iterator[tuple[ImageType, DiskPlan]]:
    for chosen in subject.selections:
        entry = chosen.image_type
        firmware = entry.boot.firmware or default_firmware(chosen.machine)
        disk = plan_disk(entry, machine=chosen.machine, firmware=firmware, overlay=plan_overlay_root(entry))
        if disk is not None:
            yield entry, disk


def _place(entry: ImageType, part: PartitionPlan) -> Location:
    """Where the description asks for ``part``: its own element, or the type."""
    said = entry.partitions.partitions if entry.partitions else ()
    own = (each.at for each in said if part.role == "custom" and each.name == part.name)
    return next(own, entry.at)


def _named(disk: DiskPlan) -> str:
    return "a GPT" if disk.table == "gpt" else "an MBR"


RULES = (
    Rule("mountpoint_free", "error", "remove it, or say bootpartition or another firmware", _mountpoint_free),
    Rule("mountpoint_inside", "error", "write it from the top, without ..", _mountpoint_inside),
    Rule("partition_number_in_table", "error", "choose another number, or none", _numbers_in_table),
    Rule(
        "partitions_fit_table",
        "error",
        'use efiparttable="gpt", or dosparttable_extended_layout="true"',
        _partitions_fit_table,
    ),
    Rule("partitions_fit_size", "error", "make <size> larger, or the partitions smaller", _partitions_fit_size),
    Rule(
        "partition_holds_filesystem",
        "error",
        "make it larger, or use another filesystem",
        _partition_holds_filesystem,
    ),
    Rule("filesystem_label_unique", "warning", "give one of them another label", _labels_unique),
)
