# SPDX-License-Identifier: Apache-2.0
"""Rules about disks: filesystems, partitions and volumes."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from runner.byte_size import byte_size
from runner.description.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.description.model.storage import Volume
    from runner.description.model.types import ImageType
    from runner.description.rules.rule import Found, Subject
    from runner.errors import Location

_RESERVED_PARTITIONS = frozenset({"root", "readonly", "boot", "prep", "spare", "swap", "efi_csm", "efi", "verity"})
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_RESERVED_LABELS = frozenset({"ROOT", "SWAP", "SPARE"})

_FIRST_SECTOR = 2048
_BLOCKS = frozenset({512, 1024, 2048, 4096})


def _filesystem_named(subject: Subject) -> Found:
    """A disk has no usual root filesystem."""
    for entry in subject.types:
        if entry.image == "oem" and not entry.filesystem.filesystem:
            yield "the root filesystem is not named", entry.at


def _first_sector(subject: Subject) -> Found:
    """What lies before the first partition belongs to tables and boot code."""
    for entry in subject.types:
        sector = entry.disk.disk_start_sector
        if sector is not None and sector < _FIRST_SECTOR:
            yield f"disk_start_sector {sector} is less than {_FIRST_SECTOR}", entry.at


def _block_size(subject: Subject) -> Found:
    """Disks have sectors of 512 or 4096 bytes."""
    for entry in subject.types:
        size = entry.disk.target_blocksize
        if size is not None and size not in _BLOCKS:
            yield f"no disk has sectors of {size} bytes", entry.at


def _partition_names(subject: Subject) -> Found:
    """Names of partitions tell them apart, and some are the builder's own."""
    for entry in subject.types:
        seen: set[str] = set()
        for partition in entry.partitions.partitions if entry.partitions else ():
            if not _NAME.fullmatch(partition.name):
                yield f"a partition cannot be called {partition.name!r}", partition.at
            if partition.name in _RESERVED_PARTITIONS:
                yield f"the name {partition.name} is taken by the disk's own partition", partition.at
            if partition.name in seen:
                yield f"there are two partitions {partition.name}", partition.at
            seen.add(partition.name)


def _partition_numbers(subject: Subject) -> Found:
    """A number stands for one place in the table."""
    for entry in subject.types:
        disk = entry.disk
        said = [disk.bootpart_id, disk.efipart_id, disk.eficsmpart_id, disk.rootpart_id]
        said += [partition.part_id for partition in entry.partitions.partitions] if entry.partitions else []
        for number, times in Counter(each for each in said if each is not None).items():
            if times > 1:
                yield f"{times} partitions have the number {number}", entry.at


def _mountpoints(subject: Subject) -> Found:
    """Only one filesystem can be seen at a place."""
    for entry in subject.types:
        seen = {"/"}
        for path, where in _mounted(entry):
            if path in seen:
                yield f"two filesystems are mounted at {path}", where
            seen.add(path)


def _mounted(entry: ImageType) -> Iterator[tuple[str, Location]]:
    for partition in entry.partitions.partitions if entry.partitions else ():
        if partition.mountpoint:
            yield "/" + partition.mountpoint.strip("/"), partition.at
    if entry.spare.spare_part_mountpoint:
        yield "/" + entry.spare.spare_part_mountpoint.strip("/"), entry.at
    for volume in _volumes(entry):
        if not _is_root(volume) and not volume.arch:
            yield "/" + (volume.mountpoint or volume.name).strip("/"), volume.at


def _one_root_volume(subject: Subject) -> Found:
    """A system has one root."""
    for entry in subject.types:
        roots = [volume for volume in _volumes(entry) if _is_root(volume)]
        for volume in roots[1:]:
            if not (volume.arch or roots[0].arch):
                yield "there are two root volumes", volume.at


def _root_spelled(subject: Subject) -> Found:
    """The root volume has a name of its own; ``/`` is none."""
    for entry in subject.types:
        for volume in _volumes(entry):
            if not volume.name.strip("/"):
                yield "a volume cannot be called /", volume.at


def _one_full_volume(subject: Subject) -> Found:
    """What is left of a disk can be given away once."""
    for entry in subject.types:
        full = [volume for volume in _volumes(entry) if volume.takes_the_rest and not volume.arch]
        for volume in full[1:]:
            yield "two volumes take what is left of the disk", volume.at


def _reserved_labels(subject: Subject) -> Found:
    """These labels are how the disk's own filesystems are found."""
    for entry in subject.types:
        labels = Counter(volume.label for volume in _volumes(entry) if volume.label)
        for volume in _volumes(entry):
            if volume.label in _RESERVED_LABELS and not _is_root(volume):
                yield f"the label {volume.label} is taken by the disk itself", volume.at
            elif labels[volume.label] > 1:
                yield f"two volumes have the label {volume.label}", volume.at


def _labels_with_lvm(subject: Subject) -> Found:
    """Subvolumes of btrfs have no labels."""
    for entry in subject.types:
        if not _lvm(entry):
            for volume in _volumes(entry):
                if volume.label:
                    yield "only logical volumes have a label", volume.at


def _swap_name_with_lvm(subject: Subject) -> Found:
    """The name is that of a logical volume."""
    for entry in subject.types:
        if entry.oem and entry.oem.swapname and not (entry.system_disk and _lvm(entry)):
            yield "oem-swapname names a logical volume, and the disk has none", entry.oem.at


def _parent_known(subject: Subject) -> Found:
    """A subvolume can only lie in one that is there."""
    for entry in subject.types:
        names = {volume.name.removeprefix("@root=") for volume in _volumes(entry)} | {"@", "@root", "/"}
        for volume in _volumes(entry):
            if volume.parent and volume.parent.strip("/") not in {name.strip("/") for name in names}:
                yield f"the parent {volume.parent} is no volume of this disk", volume.at


def _quota_is_size(subject: Subject) -> Found:
    """A quota is the most bytes that a subvolume may hold."""
    for entry in subject.types:
        for volume in _volumes(entry):
            try:
                byte_size(volume.quota or "0")
            except ValueError:
                yield f"the quota {volume.quota} is no size", volume.at


def _size_positive(subject: Subject) -> Found:
    """Nothing fits into no space."""
    for entry in subject.types:
        if entry.size and entry.size.value == 0 and not entry.size.additive:
            yield "the size is 0", entry.size.at


def _volumes(entry: ImageType) -> tuple[Volume, ...]:
    return entry.system_disk.volumes if entry.system_disk else ()


def _is_root(volume: Volume) -> bool:
    return volume.name.partition("=")[0] == "@root"


def _lvm(entry: ImageType) -> bool:
    disk = entry.system_disk
    return disk is not None and (entry.filesystem.filesystem != "btrfs" or bool(disk.preferlvm))


RULES = (
    Rule("disk_filesystem_named", "error", 'add filesystem="ext4"', _filesystem_named),
    Rule("disk_start_sector_minimum", "error", "make it 2048 or more", _first_sector),
    Rule("target_blocksize_known", "error", "use 512 or 4096", _block_size),
    Rule("partition_name_free", "error", "choose another name", _partition_names),
    Rule("partition_number_free", "error", "give each another number", _partition_numbers),
    Rule("mountpoint_unique", "error", "remove one of them", _mountpoints),
    Rule("volume_setup_one_root", "error", "remove one of them", _one_root_volume),
    Rule("volume_setup_has_no_root_definition", "error", 'call it "@root"', _root_spelled),
    Rule("volume_setup_defines_multiple_fullsize_volumes", "error", "give one of them a size", _one_full_volume),
    Rule("volume_setup_defines_reserved_labels", "error", "choose another label", _reserved_labels),
    Rule("volume_label_used_with_lvm", "error", "remove the label", _labels_with_lvm),
    Rule("swap_name_used_with_lvm", "error", "remove it, or add a <systemdisk>", _swap_name_with_lvm),
    Rule("volume_parent_known", "warning", "name a volume of this disk", _parent_known),
    Rule("volume_quota_size", "error", "say for example 20G", _quota_is_size),
    Rule("size_positive", "warning", "say how large, or leave <size> out", _size_positive),
)
