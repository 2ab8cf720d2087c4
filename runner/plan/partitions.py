# SPDX-License-Identifier: Apache-2.0
"""Which partitions a disk has, in the order they lie on it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

import msgspec

from runner.description.model.types import ImageType
from runner.plan.boot import EFI
from runner.plan.protection import OverlayRootPlan
from runner.plan.sizes import mebibytes
from runner.plan.volumes import DEFAULT_SWAP_MIB, VolumesPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.description.model.storage import Partition

Role = Literal["bios_grub", "efi", "prep", "boot", "swap", "custom", "spare", "readonly", "verity", "root"]
Content = Literal["filesystem", "lvm", "raid", "code", "hashes", "nothing"]

_BIOS_GRUB_MIB, _EFI_MIB, _PREP_MIB, _BOOT_MIB = 2, 20, 8, 300
_X86 = ("x86_64", "i386", "i486", "i586", "i686", "ix86")


class PartitionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One partition.

    Attributes:
        role: what it is for; ``name`` tells several custom ones apart.
        partition_name: its name in a GPT; one of the discoverable partitions specification also sets its type.
        content: a filesystem, a physical volume, a member of an array, boot code, hashes, or nothing.
        filesystem: kind of the filesystem, with ``label``.
        mountpoint: where it is mounted; the data below it in the tree moves there.
        size_mib: None: as much as its content needs, and for the root the rest of the disk.
        number: fixed number in the table; None is the next free one.
        clones: so many copies with UUIDs of their own lie right before it.
        file_attributes: no-copy-on-write, synchronous-updates.
    """

    role: Role
    name: str
    partition_name: str
    content: Content = "filesystem"
    filesystem: str = ""
    label: str = ""
    mountpoint: str = ""
    size_mib: int | None = None
    number: int | None = None
    clones: int = 0
    file_attributes: tuple[str, ...] = ()


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What decides about partitions."""

    entry: ImageType
    machine: str
    firmware: str
    table: str
    volumes: VolumesPlan | None
    overlay: OverlayRootPlan | None

    @property
    def lvm(self) -> bool:
        return self.volumes is not None and self.volumes.manager == "lvm"


def plan_partitions(setting: Setting) -> tuple[PartitionPlan, ...]:
    """Return the partitions in KIWI's order: boot code, /boot, swap, the description's own, spare, root."""
    spare = tuple(_spare(setting))
    last = setting.entry.spare.spare_part_is_last or False
    return (
        *_boot_code(setting),
        *_boot(setting),
        *_swap(setting),
        *_custom(setting),
        *(() if last else spare),
        *_root(setting),
        *(spare if last else ()),
    )


def needs_boot(setting: Setting) -> bool:
    """Tell whether /boot gets a partition: as said, else where a bootloader cannot read the root."""
    said = setting.entry.disk
    if said.bootpartition is not None:
        return said.bootpartition
    return bool(said.mdraid) or setting.lvm or setting.overlay is not None


def _boot_code(setting: Setting) -> Iterator[PartitionPlan]:
    said = setting.entry.disk
    if setting.firmware in EFI:
        if setting.table == "gpt" and said.eficsm is not False and setting.machine in _X86:
            yield PartitionPlan(
                role="bios_grub",
                name="efi_csm",
                partition_name="p.legacy",
                content="code",
                size_mib=_BIOS_GRUB_MIB,
                number=said.eficsmpart_id,
            )
        yield PartitionPlan(
            role="efi",
            name="efi",
            partition_name="p.UEFI",
            filesystem="fat16",
            label="EFI",
            mountpoint="/boot/efi",
            size_mib=said.efipartsize or _EFI_MIB,
            number=said.efipart_id,
        )
    if setting.firmware == "ofw":
        yield PartitionPlan(role="prep", name="prep", partition_name="p.prep", content="code", size_mib=_PREP_MIB)


def _boot(setting: Setting) -> Iterator[PartitionPlan]:
    said = setting.entry.disk
    if needs_boot(setting):
        yield PartitionPlan(
            role="boot",
            name="boot",
            partition_name="p.lxboot",
            filesystem=said.bootfilesystem or setting.entry.filesystem.filesystem,
            label="BOOT",
            mountpoint="/boot",
            size_mib=said.bootpartsize or _BOOT_MIB,
            number=said.bootpart_id,
            clones=said.boot_clone or 0,
        )


def _swap(setting: Setting) -> Iterator[PartitionPlan]:
    config = setting.entry.oem
    if config is not None and config.swap and not setting.lvm:
        yield PartitionPlan(
            role="swap",
            name="swap",
            partition_name="p.swap",
            filesystem="swap",
            label="SWAP",
            size_mib=DEFAULT_SWAP_MIB if config.swapsize is None else config.swapsize,
        )


def _custom(setting: Setting) -> Iterator[PartitionPlan]:
    group = setting.entry.partitions
    for said in group.partitions if group else ():
        yield PartitionPlan(
            role="custom",
            name=said.name,
            partition_name=said.partition_name or f"p.lx{said.name}",
            content=_custom_content(said),
            filesystem=said.filesystem,
            label=(said.label or said.name.upper()) if said.filesystem else "",
            mountpoint=_absolute(said.mountpoint),
            size_mib=mebibytes(said.size),
            number=said.part_id,
            clones=said.clone or 0,
        )


def _absolute(path: str) -> str:
    """Return ``path`` from the top, as KIWI takes one without its first slash; empty stays empty."""
    return "/" + "/".join(PurePosixPath(path.lstrip("/")).parts) if path else ""


def _custom_content(said: Partition) -> Content:
    if said.partition_type == "t.raid":
        return "raid"
    return "filesystem" if said.filesystem else "nothing"


def _spare(setting: Setting) -> Iterator[PartitionPlan]:
    said = setting.entry.spare
    if said.spare_part:
        yield PartitionPlan(
            role="spare",
            name="spare",
            partition_name="p.spare",
            content="filesystem" if said.spare_part_fs else "nothing",
            filesystem=said.spare_part_fs,
            label="SPARE" if said.spare_part_fs else "",
            mountpoint=_absolute(said.spare_part_mountpoint),
            size_mib=mebibytes(said.spare_part),
            file_attributes=said.spare_part_fs_attributes,
        )


def _root(setting: Setting) -> Iterator[PartitionPlan]:
    overlay, said, files = setting.overlay, setting.entry.disk, setting.entry.filesystem
    if overlay is not None:
        yield PartitionPlan(
            role="readonly",
            name="readonly",
            partition_name="p.lxreadonly",
            filesystem=overlay.readonly_filesystem,
            size_mib=overlay.readonly_size_mib,
        )
        if not overlay.write_partition:
            return
    if setting.entry.verity.verity_blocks:
        yield PartitionPlan(role="verity", name="verity", partition_name="p.lxverity", content="hashes")
    content: Content = "lvm" if setting.lvm else "raid" if said.mdraid else "filesystem"
    yield PartitionPlan(
        role="root",
        name="root",
        partition_name="p.lxraid" if said.mdraid else "p.lxlvm" if setting.lvm else "p.lxroot",
        content=content,
        filesystem=files.filesystem,
        label=files.rootfs_label or "ROOT",
        mountpoint="/",
        size_mib=_fixed_root(setting.entry),
        number=said.rootpart_id,
        clones=said.root_clone or 0,
    )


def _fixed_root(entry: ImageType) -> int | None:
    """``<oem-systemsize>`` is the size at build time when nothing grows at boot."""
    config = entry.oem
    return config.systemsize if config is not None and config.resize is False else None
