# SPDX-License-Identifier: Apache-2.0
"""Find out before any package is downloaded that a disk could not start: none of them brings what starts it.

Only what is certain is refused, which is a question of names and so known for apt's distributions alone. What an
archive, an overlay or a single file brings has no name; descriptions with such are left to be found out when the
disk is made, which looks into the tree itself.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.errors import Location
    from runner.plan.boot import BootPlan
    from runner.plan.initrd import InitrdPlan
    from runner.plan.model import Plan

_KERNELS = ("linux-image-*", "*-kernel", "*-kernel-*", "kernel-*")
"""Debian's and Ubuntu's, and those of who builds on them: raspberrypi-kernel, proxmox-kernel-6.8."""

_DRACUT = ("dracut", "dracut-core")
_GENERATORS = (*_DRACUT, "initramfs-tools", "initramfs-tools-core")
_GRUB = {
    ("bios", "x86_64"): ("grub-pc-bin",),
    ("bios", "ix86"): ("grub-pc-bin",),
    ("efi", "x86_64"): ("grub-efi-amd64-bin",),
    ("efi", "ix86"): ("grub-efi-ia32-bin",),
    ("efi", "aarch64"): ("grub-efi-arm64-bin",),
    ("uefi", "x86_64"): ("shim-signed", "grub-efi-amd64-signed"),
}
"""Firmware and machine to the packages with GRUB's modules, or with its signed programs."""

_SYSTEMD_BOOT, _OPENER = "systemd-boot-efi", "systemd-cryptsetup"
_OF_THEIR_OWN = {_SYSTEMD_BOOT: 252, _OPENER: 256}
"""Since which systemd these are packages of their own: Debian 12 and Ubuntu 23.04, Debian 13 and Ubuntu 24.10."""

_NUMBER = re.compile(r"(?:\d+:)?(\d+)")

_FOLDERS = ("boot", "usr/lib/grub", "usr/lib/modules", "lib/modules", "usr/lib/systemd/boot")
"""Where a kernel or a bootloader lies that comes in an overlay."""


def require_startable(plan: Plan, packages: Mapping[str, str], directory: Path, *, where: Location) -> None:
    """Check that the packages that will be installed have what starts the disk of ``plan``.

    Bootloaders that a script installs are not looked for.

    Args:
        plan: images of other types and managers are left alone.
        packages: the versions of all in the lock, by name.
        directory: the folder of the description.
        where: the place of the image's type in it.

    Raises:
        BuildError: a kernel, what makes an initrd or is needed in it, or the bootloader is not among them; names
            all of it.
    """
    if plan.type.disk is None or plan.packages.manager != "apt" or _comes_otherwise(plan, directory):
        return
    lacking = list(_lacking(plan, packages))
    if lacking:
        raise BuildError(
            f"the disk could not start: the image has no {', no '.join(what for what, _ in lacking)}",
            where=where,
            why=f"none of its {len(packages)} packages brings it",
            hint=f"add to the packages of the description: {', '.join(package for _, package in lacking)}",
        )


def _comes_otherwise(plan: Plan, directory: Path) -> bool:
    if plan.archives or (directory / "root.tar.gz").exists():
        return True
    targets = (Path(file.target.strip("/")) for file in plan.files)
    return any(target.is_relative_to(folder) for target in targets for folder in _FOLDERS) or any(
        (directory / overlay / folder).exists() for overlay in ("root", *plan.profiles) for folder in _FOLDERS
    )


def _lacking(plan: Plan, packages: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what is lacking, and a package that has it."""
    if not _any(packages, _KERNELS):
        yield "kernel", "linux-image-amd64" if plan.arch == "x86_64" else "a linux-image of its architecture"
    if plan.type.initrd is not None and plan.type.initrd.system != "none":
        yield from _generator(plan.type.initrd, packages)
    if plan.type.verity is not None:
        yield from _part_of_systemd("opener of a root under dm-verity", _OPENER, packages)
    if plan.type.boot is not None:
        yield from _loader(plan.type.boot, plan.arch, packages)


def _generator(initrd: InitrdPlan, packages: Collection[str]) -> Iterator[tuple[str, str]]:
    if any(entry.for_dracut for entry in initrd.actions):
        if not _any(packages, _DRACUT):
            yield "dracut, whose modules its initrd needs", "dracut"
    elif not _any(packages, _GENERATORS):
        yield "generator of initrds", "initramfs-tools"


def _loader(boot: BootPlan, arch: str, packages: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    name, what = boot.loader.name if boot.loader else "", f"bootloader for {boot.firmware}"
    if name == "systemd_boot":
        yield from _part_of_systemd(what, _SYSTEMD_BOOT, packages)
    for package in _GRUB.get((boot.firmware, arch), ()) if name == "grub2" else ():
        if package not in packages:
            yield what, package


def _part_of_systemd(what: str, package: str, packages: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """An older systemd has it in its main package."""
    version = _NUMBER.match(packages.get("systemd", ""))
    if package not in packages and (version is None or int(version[1]) >= _OF_THEIR_OWN[package]):
        yield what, package


def _any(packages: Collection[str], patterns: Collection[str]) -> bool:
    return any(fnmatchcase(package, pattern) for package in packages for pattern in patterns)
