# SPDX-License-Identifier: Apache-2.0
"""Rules about firmware, bootloader and kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.rules.rule import Rule
from runner.plan.boot import EFI, default_firmware

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.description.rules.rule import Found, Subject
    from runner.plan.select import Selection

_X86 = ("x86_64", "i386", "i486", "i586", "i686", "ix86")
_EFI_MACHINES = (*_X86, "aarch64", "arm", "riscv", "loongarch")
_MACHINES = {
    "bios": _X86,
    "ec2": _X86,
    "efi": _EFI_MACHINES,
    "uefi": _EFI_MACHINES,
    "ofw": ("ppc",),
    "opal": ("ppc",),
}
_LARGEST_FAT_IMAGE_MIB, _UNIFIED_MIB, _USUAL_ESP_MIB = 31, 64, 20

_KERNELS = {
    "apt": (
        "linux-image-",
        "linux-generic",
        "linux-virtual",
        "linux-aws",
        "linux-azure",
        "linux-gcp",
        "linux-kvm",
    ),
    "pacman": ("linux",),
    "apk": ("linux-",),
}
_OTHER_KERNELS = ("kernel",)
"""How names of kernel packages begin, by package manager; all rpm distributions have one word for it."""

_LOADERS = {
    ("grub2", "bios"): ("grub-pc", "grub2"),
    ("grub2", "efi"): ("grub-efi", "grub2"),
    ("grub2", "uefi"): ("shim",),
    ("systemd_boot", "efi"): ("systemd-boot",),
    ("systemd_boot", "uefi"): ("systemd-boot",),
}
"""How names of Debian's packages for a bootloader begin, one of which is needed."""


def _firmware_of_machine(subject: Subject) -> Found:
    """A machine can only be started by firmware that is made for it."""
    for chosen in subject.selections:
        firmware = chosen.image_type.boot.firmware
        if not chosen.machine.startswith(_MACHINES.get(firmware, "")):
            yield f'{chosen.machine} has no firmware "{firmware}"', chosen.image_type.at


def _loader_of_firmware(subject: Subject) -> Found:
    """systemd-boot is an EFI program."""
    for chosen in subject.selections:
        entry = chosen.image_type
        firmware = entry.boot.firmware or default_firmware(chosen.machine)
        if entry.bootloader and entry.bootloader.name == "systemd_boot" and firmware not in EFI:
            yield (
                f"systemd_boot is an EFI program, and the firmware is {firmware or 'another'}",
                entry.bootloader.at,
            )


def _environment_of_loader(subject: Subject) -> Found:
    """Only GRUB keeps variables in a block of its own."""
    for entry in subject.types:
        loader = entry.bootloader
        if loader and loader.settings and loader.settings.environment and loader.name not in {"", "grub2"}:
            yield f"{loader.name} keeps no variables: they would be lost", loader.settings.environment.at


def _partuuid_with_gpt(subject: Subject) -> Found:
    """KIWI finds partitions by PARTUUID in GPT tables only."""
    for chosen in subject.selections:
        entry = chosen.image_type
        firmware = entry.boot.firmware or default_firmware(chosen.machine)
        msdos = entry.disk.efiparttable == "msdos" if firmware in EFI else firmware in {"bios", "ec2"}
        if entry.image == "oem" and entry.boot.devicepersistency == "by-partuuid" and msdos:
            yield "by-partuuid needs a GPT, and this disk gets an MBR", entry.at


def _fat_image_size(subject: Subject) -> Found:
    """The EFI image of a medium is addressed in 16 bits of 512-byte sectors."""
    for entry in subject.types:
        size = entry.media.efifatimagesize
        if size is not None and size > _LARGEST_FAT_IMAGE_MIB:
            yield f"efifatimagesize {size} is more than {_LARGEST_FAT_IMAGE_MIB} MiB", entry.at


def _unified_needs_room(subject: Subject) -> Found:
    """What systemd-boot starts, and a unified kernel image, lie in the EFI partition."""
    for entry in subject.types:
        unified = any(part.uefi for action in entry.initrd for part in action.dracut)
        systemd = entry.boot.firmware in EFI and entry.bootloader and entry.bootloader.name == "systemd_boot"
        size = entry.disk.efipartsize or _USUAL_ESP_MIB
        if entry.image == "oem" and (unified or systemd) and size < _UNIFIED_MIB:
            yield f"kernel and initrd hardly fit into an EFI partition of {size} MiB", entry.at


def _kernel_named(subject: Subject) -> Found:
    """A disk or a live system without a kernel does not start."""
    for chosen in subject.selections:
        prefixes = _KERNELS.get(chosen.merged.packagemanager, _OTHER_KERNELS)
        if chosen.image_type.image in {"oem", "iso"} and not _has(chosen, prefixes):
            yield f"no kernel is among the packages{_with(chosen)}", chosen.image_type.at


def _loader_named(subject: Subject) -> Found:
    """The bootloader comes from the image's own packages."""
    for chosen in subject.selections:
        entry = chosen.image_type
        if entry.image != "oem" or chosen.merged.packagemanager != "apt":
            continue
        name = entry.bootloader.name if entry.bootloader and entry.bootloader.name else "grub2"
        firmware = entry.boot.firmware or default_firmware(chosen.machine)
        needed = _LOADERS.get((name, firmware))
        if needed and not _has(chosen, needed):
            shown = " or ".join(f"{prefix}…" for prefix in needed)
            yield f"no package of {name} for {firmware} is named{_with(chosen)}: {shown}", entry.at


def _has(chosen: Selection, prefixes: tuple[str, ...]) -> bool:
    return any(name.startswith(prefixes) for name in _packages(chosen))


def _packages(chosen: Selection) -> Iterator[str]:
    """Names that are installed. A collection may hold anything, so one is taken for whatever is looked for."""
    wanted = {"bootstrap", "image", chosen.image_type.image}
    for section in chosen.packages:
        if section.kind in wanted:
            yield from (entry.name for entry in section.packages if not entry.arch or chosen.machine in entry.arch)
            yield from ("kernel linux-image-" for _ in (*section.collections, *section.others))


def _with(chosen: Selection) -> str:
    return f" with the profiles {', '.join(chosen.profiles)}" if chosen.profiles else ""


RULES = (
    Rule("firmware_of_machine", "error", "choose another firmware, or another machine", _firmware_of_machine),
    Rule("bootloader_of_firmware", "error", 'set firmware="efi" or "uefi"', _loader_of_firmware),
    Rule("bootloader_env_compatible_with_loader", "error", "remove it, or use grub2", _environment_of_loader),
    Rule("partuuid_persistency_type_used_with_mbr", "error", "use by-uuid or by-label", _partuuid_with_gpt),
    Rule("efi_fat_image_has_correct_size", "error", "make it 31 or less", _fat_image_size),
    Rule("efi_partition_holds_unified_kernel", "warning", "set efipartsize to 64 or more", _unified_needs_room),
    Rule("kernel_named", "warning", "name a kernel package, unless another package brings one", _kernel_named),
    Rule("bootloader_named", "warning", "name it, unless another package brings it", _loader_named),
)
