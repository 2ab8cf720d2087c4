# SPDX-License-Identifier: Apache-2.0
"""Say what a disk asks for that this engine cannot write yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.plan.boot import EFI, default_firmware
from runner.plan.formats import plan_format
from runner.plan.protection import READ_ONLY, is_sealed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.description.model.storage import Partition
    from runner.description.model.types import ImageType

FILESYSTEMS = frozenset(
    {"", "btrfs", "erofs", "ext2", "ext3", "ext4", "fat16", "fat32", "squashfs", "swap", "xfs"}
)
FORMATS = frozenset({"", "gce", "ova", "qcow2", "vagrant", "vdi", "vhd", "vhd-fixed", "vhdx", "vmdk"})
"""Those of ``runner.create.formats.registry``."""
LOADERS = frozenset({"", "grub2", "systemd_boot", "custom", "grub2_s390x_emu", "zipl"})
"""Mainframes' bootloaders have a reason of their own."""

X86 = ("x86_64", "i386", "i486", "i586", "i686", "ix86")
MACHINES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "grub2": {"efi": (*X86, "aarch64"), "uefi": ("x86_64",)},
    "systemd_boot": {"efi": (*X86, "aarch64", "armv7l", "riscv64", "loongarch64")},
}
"""Bootloader and firmware to the machines for which ``runner.bootloader`` installs the one for the other."""

_GRUB = frozenset({"", "grub2"})


def disk_gaps(entry: ImageType, machine: str) -> Iterator[tuple[str, str]]:
    """Yield what of the disk ``entry`` for ``machine`` cannot be written, each with the reason.

    Of other types it is their filesystem alone.
    """
    said = entry.filesystem
    if "btrfs" in {entry.image, said.filesystem} and said.fscreateoptions:
        yield "type fscreateoptions", "btrfs is written without mkfs.btrfs, whose options these are"
    if entry.image != "oem":
        return
    yield from _filesystems(entry)
    yield from _boot(entry, machine)
    yield from _sealed(entry, machine)
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


def _boot(entry: ImageType, machine: str) -> Iterator[tuple[str, str]]:
    loader = entry.bootloader.name if entry.bootloader else ""
    if loader not in LOADERS:
        yield f'bootloader name="{loader}"', "this bootloader is not installed yet"
    yield from _machine(loader or "grub2", _firmware(entry, machine), machine)
    if not entry.boot.firmware and default_firmware(machine) not in {"bios", *EFI}:
        yield "type image", f"{machine} is not served"
    if loader in _GRUB and _home(entry) in READ_ONLY:
        why = 'GRUB cannot read its menu from it: say bootpartition="true" bootfilesystem="ext4"'
        yield f'type filesystem="{_home(entry)}"', why
    if loader != "systemd_boot" and any(part.uefi for initrd in entry.initrd for part in initrd.dracut):
        yield "dracut uefi", "only systemd_boot starts kernel and initrd that are one EFI program"


def _machine(loader: str, firmware: str, machine: str) -> Iterator[tuple[str, str]]:
    """What the bootloader is not made for; that a machine has no such firmware is told elsewhere."""
    if firmware not in EFI:
        return
    if loader == "systemd_boot" and firmware == "uefi":
        yield (
            'bootloader name="systemd_boot"',
            'it is not signed for machines that check that: use firmware="efi"',
        )
    elif loader in MACHINES and machine not in MACHINES[loader][firmware]:
        others = (name for name, served in MACHINES.items() if machine in served["efi"])
        use = next((f': use firmware="efi" and <bootloader name="{name}"/>' for name in others), "")
        yield f'type firmware="{firmware}"', f"{loader} is not installed for it on {machine}{use}"


def _sealed(entry: ImageType, machine: str) -> Iterator[tuple[str, str]]:
    """What does not go together with a root that is as it was built for good."""
    if is_sealed(entry) and entry.oem and entry.oem.resize:
        yield "oem-resize", "a root that nobody can write to cannot grow"
    if not entry.verity.verity_blocks:
        return
    loader = entry.bootloader.name if entry.bootloader else ""
    if entry.verity.verity_blocks != "all":
        yield "type verity_blocks", 'hashes over a part of a filesystem protect nothing: say "all"'
    if _firmware(entry, machine) not in EFI or entry.disk.efiparttable == "msdos":
        yield "type verity_blocks", 'root and hashes are found by their names in a GPT: use firmware="efi"'
    if entry.initrd_system.initrd_system == "none":
        yield "type verity_blocks", "nothing opens such a root without an initrd"
    if loader == "custom":
        yield "type verity_blocks", "no script is told the root hash, which the kernel needs"
    if loader in _GRUB and not entry.disk.bootpartition:
        yield (
            "type verity_blocks",
            'the menu with the root hash cannot lie there: say bootpartition="true"',
        )
    if entry.boot.editbootconfig:
        yield "type editbootconfig", "it changes the menu, which is written when the root can no longer change"
    if entry.filesystem.fsmountoptions:
        yield "type fsmountoptions", "the initrd mounts a root under dm-verity: say rootflags= in kernelcmdline"


def _home(entry: ImageType) -> str:
    """Return the filesystem that has ``/boot`` on it."""
    root = entry.filesystem.filesystem
    return (entry.disk.bootfilesystem or root) if entry.disk.bootpartition else root


def _firmware(entry: ImageType, machine: str) -> str:
    return entry.boot.firmware or default_firmware(machine)
