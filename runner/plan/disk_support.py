# SPDX-License-Identifier: Apache-2.0
"""Say what a disk asks for that this engine cannot write yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.plan.formats import plan_format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.description.model.storage import Partition
    from runner.description.model.types import ImageType

FILESYSTEMS = frozenset({"", "btrfs", "ext2", "ext3", "ext4", "fat16", "fat32", "swap", "xfs"})
FORMATS = frozenset({"", "gce", "ova", "qcow2", "vagrant", "vdi", "vhd", "vhd-fixed", "vhdx", "vmdk"})
"""Those of ``runner.create.formats.registry``."""
LOADERS = frozenset({"", "grub2", "custom", "grub2_s390x_emu", "zipl"})
"""Mainframes' bootloaders have a reason of their own."""


def disk_gaps(entry: ImageType) -> Iterator[tuple[str, str]]:
    """Yield what of the disk ``entry`` cannot be written, each with the reason; of other types, its filesystem."""
    said = entry.filesystem
    if "btrfs" in {entry.image, said.filesystem} and said.fscreateoptions:
        yield "type fscreateoptions", "btrfs is written without mkfs.btrfs, whose options these are"
    if entry.image != "oem":
        return
    yield from _filesystems(entry)
    yield from _boot(entry)
    chosen = plan_format(entry)
    if chosen.name not in FORMATS:
        yield f'type format="{entry.formats.format}"', "this disk format is not written yet"
    for name in ("installiso", "installstick", "installpxe"):
        if getattr(entry.install, name):
            yield f"type {name}", "installers are not built yet"


def _filesystems(entry: ImageType) -> Iterator[tuple[str, str]]:
    why = "this filesystem is not written into a partition yet"
    asked = [("type filesystem", entry.filesystem.filesystem), ("type bootfilesystem", entry.disk.bootfilesystem)]
    asked += [("type spare_part_fs", entry.spare.spare_part_fs)]
    asked += [("partition filesystem", part.filesystem) for part in _partitions(entry)]
    for name, filesystem in asked:
        if filesystem not in FILESYSTEMS:
            yield f'{name}="{filesystem}"', why


def _partitions(entry: ImageType) -> tuple[Partition, ...]:
    return entry.partitions.partitions if entry.partitions else ()


def _boot(entry: ImageType) -> Iterator[tuple[str, str]]:
    loader = entry.bootloader.name if entry.bootloader else ""
    if loader not in LOADERS:
        yield f'bootloader name="{loader}"', "this bootloader is not installed yet"
    if any(part.uefi for initrd in entry.initrd for part in initrd.dracut):
        yield "dracut uefi", "kernel and initrd are not joined into one EFI program yet"
