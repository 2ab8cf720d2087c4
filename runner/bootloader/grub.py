# SPDX-License-Identifier: Apache-2.0
"""GRUB 2, from the tree's own packages: its menu, its modules, and its core for each kind of firmware."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from runner.bootloader.facts import ESP, BootFacts
from runner.bootloader.grub_config import grub_config, pointer, quote
from runner.bootloader.grub_theme import HOME as THEMES
from runner.bootloader.grub_theme import find_theme, install_theme
from runner.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.disk.split import PartedTree
    from runner.prepare.step import Bench

BIOS = "i386-pc"
_EFI = {"x86_64": "x86_64-efi", "ix86": "i386-efi", "aarch64": "arm64-efi"}
_EFI_NAMES = {"x86_64-efi": "BOOTX64.EFI", "i386-efi": "BOOTIA32.EFI", "arm64-efi": "BOOTAA64.EFI"}
_MODULES = "usr/lib/grub"
_COPIED = ("*.mod", "*.lst", "boot.img", "diskboot.img")
_HOME = "boot/grub"
BOOT = f"{_HOME}/{BIOS}/boot.img"
CORE = f"{_HOME}/{BIOS}/core.img"
_FONT = "usr/share/grub/unicode.pf2"
_EARLY = ".packhouse-early.cfg"
_BUILT_IN = ("search_fs_uuid", "part_gpt", "part_msdos", "normal", "configfile", "echo", "test")
_FILESYSTEMS = {
    "ext2": "ext2",
    "ext3": "ext2",
    "ext4": "ext2",
    "xfs": "xfs",
    "btrfs": "btrfs",
    "fat16": "fat",
    "fat32": "fat",
}
_SIGNED = (
    ("usr/lib/shim/shimx64.efi.signed", "EFI/BOOT/BOOTX64.EFI", "shim-signed"),
    ("usr/lib/shim/mmx64.efi.signed", "EFI/BOOT/mmx64.efi", "shim-helpers-amd64-signed"),
    ("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "EFI/BOOT/grubx64.efi", "grub-efi-amd64-signed"),
)
"""Debian's and Ubuntu's: file, its place on the EFI partition, its package."""


def install(bench: Bench, facts: BootFacts) -> tuple[str, ...]:
    """Write GRUB without its menu into the tree and return the platforms it can start on.

    The signed GRUB is used where the firmware is ``uefi``. A BIOS can be served beside EFI when the disk has a
    partition for its boot code and the tree has GRUB for it.

    Raises:
        BuildError: the tree lacks GRUB for the firmware, or GRUB's tools failed.
    """
    platforms = []
    if facts.boot.firmware in {"efi", "uefi"}:
        platform = _efi_platform(facts.arch)
        if facts.boot.firmware == "uefi":
            _signed(bench.root)
        else:
            _core(bench, facts, platform, f"{ESP}/EFI/BOOT/{_EFI_NAMES[platform]}", ("fat",))
        _stub(bench.root, facts)
        platforms.append(platform)
    beside = facts.identity.role("bios_grub") is not None and (bench.root / _MODULES / BIOS).is_dir()
    if facts.boot.firmware == "bios" or beside:
        _core(bench, facts, BIOS, CORE, ("biosdisk",))
        platforms.append(BIOS)
    _copy(bench.root, platforms)
    install_theme(bench.root, facts.loader.theme)
    _defaults(bench.root, facts)
    return tuple(platforms)


def write_menu(tree: PartedTree, facts: BootFacts) -> None:
    """Write the menu; see :func:`runner.bootloader.install.write_menu`."""
    theme = find_theme(tree.path(f"{THEMES}/{facts.loader.theme}")) if facts.loader.theme else None
    _write(tree.path(f"{_HOME}/grub.cfg"), grub_config(facts, theme))


def _efi_platform(arch: str) -> str:
    if arch not in _EFI:
        raise BuildError(f"GRUB for EFI on {arch} is not known", hint=f"known: {', '.join(_EFI)}")
    return _EFI[arch]


def _core(bench: Bench, facts: BootFacts, platform: str, output: str, more: Iterable[str]) -> None:
    """Have the tree's grub-mkimage make what the firmware starts; it finds the menu by the filesystem's UUID."""
    folder = bench.root / _MODULES / platform
    if not folder.is_dir():
        raise BuildError(
            f"the image has no GRUB for {platform}",
            why=f"/{_MODULES}/{platform} is not there",
            hint=f"add the package {_package(platform)}",
        )
    filesystem = facts.home.plan.filesystem
    if filesystem not in _FILESYSTEMS:
        raise BuildError(
            f"GRUB cannot read /boot on {filesystem}",
            hint='give it a partition of its own: bootpartition="true" bootfilesystem="ext4"',
        )
    target, early = bench.root / output, bench.root / "boot" / _EARLY
    target.parent.mkdir(parents=True, exist_ok=True)
    early.write_text(pointer(facts), encoding="utf-8")
    modules = (*_BUILT_IN, _FILESYSTEMS[filesystem], *more)
    arguments = ("-O", platform, "-o", f"/{output}", "-p", f"{facts.prefix}/grub", "-c", f"/boot/{_EARLY}")
    try:
        bench.run("grub-mkimage", *arguments, *modules, what="grub-mkimage")
    finally:
        early.unlink()


def _package(platform: str) -> str:
    return {BIOS: "grub-pc-bin", "x86_64-efi": "grub-efi-amd64-bin"}.get(platform, f"grub2-{platform}")


def _signed(root: Path) -> None:
    for name, place, package in _SIGNED:
        source, target = root / name, root / ESP / place
        if not source.is_file():
            raise BuildError(
                "the image has no signed bootloader",
                why=f'firmware="uefi" needs /{name}',
                hint=f"add the package {package}",
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _stub(root: Path, facts: BootFacts) -> None:
    """The signed GRUB looks in a folder with the distribution's name."""
    text = pointer(facts) + "configfile $prefix/grub.cfg\n"
    for vendor in ("debian", "ubuntu"):
        if vendor in _os_release(root):
            _write(root / ESP / "EFI" / vendor / "grub.cfg", text)


def _os_release(root: Path) -> str:
    for name in ("etc/os-release", "usr/lib/os-release"):
        if (root / name).is_file():
            return (root / name).read_text(encoding="utf-8", errors="replace").lower()
    return ""


def _copy(root: Path, platforms: Iterable[str]) -> None:
    for platform in platforms:
        source, target = root / _MODULES / platform, root / _HOME / platform
        target.mkdir(parents=True, exist_ok=True)
        for file in (file for pattern in _COPIED for file in source.glob(pattern)):
            shutil.copyfile(file, target / file.name)
    if (root / _FONT).is_file():
        (root / _HOME / "fonts").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / _FONT, root / _HOME / "fonts/unicode.pf2")


def _defaults(root: Path, facts: BootFacts) -> None:
    """Tell update-grub in the running system what the menu was made from; a file of the image stays as it is."""
    path = root / "etc/default/grub"
    if path.exists():
        return
    loader = facts.loader
    terminals = {"GRUB_TERMINAL_OUTPUT": " ".join(loader.output), "GRUB_TERMINAL_INPUT": " ".join(loader.input)}
    values = {
        "GRUB_DEFAULT": "0",
        "GRUB_TIMEOUT": str(loader.timeout_seconds),
        "GRUB_TIMEOUT_STYLE": loader.timeout_style,
        "GRUB_DISTRIBUTOR": loader.title or "Linux",
        "GRUB_CMDLINE_LINUX_DEFAULT": "",
        "GRUB_CMDLINE_LINUX": facts.boot.cmdline,
        **{name: value for name, value in terminals.items() if value},
        **({"GRUB_SERIAL_COMMAND": loader.serial_line} if loader.serial_line else {}),
        **_theme_default(root, loader.theme),
    }
    _write(path, "".join(f"{name}={quote(value) if value else ''}\n" for name, value in values.items()))


def _theme_default(root: Path, name: str) -> dict[str, str]:
    has_theme = bool(name) and find_theme(root / THEMES / name) is not None
    return {"GRUB_THEME": f"/{THEMES}/{name}/theme.txt"} if has_theme else {}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
