# SPDX-License-Identifier: Apache-2.0
"""GRUB 2, from the tree's own packages: its menu, its modules, and its core for each kind of firmware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import os_release
from runner.bootloader.facts import ESP, BootFacts
from runner.bootloader.grub_config import grub_config, pointer, quote
from runner.bootloader.grub_theme import HOME as THEMES
from runner.bootloader.grub_theme import find_theme, install_theme
from runner.disk.split import PartedTree
from runner.errors import BuildError
from runner.prepare.glob import find

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.prepare.paths import TreePaths
    from runner.prepare.step import Bench

BIOS = "i386-pc"
EFI_PLATFORMS = {"x86_64": "x86_64-efi", "ix86": "i386-efi", "aarch64": "arm64-efi"}
_EFI_NAMES = {"x86_64-efi": "BOOTX64.EFI", "i386-efi": "BOOTIA32.EFI", "arm64-efi": "BOOTAA64.EFI"}
_MODULES = "usr/lib/grub"
_COPIED = ("*.mod", "*.lst", "boot.img", "diskboot.img")
_HOME = "boot/grub"
BOOT = f"{_HOME}/{BIOS}/boot.img"
CORE = f"{_HOME}/{BIOS}/core.img"
_DEFAULTS = "etc/default/grub"
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
_SHIM = "usr/lib/shim"
_SIGNED = (
    ((f"{_SHIM}/shimx64.efi.signed", f"{_SHIM}/shimx64.efi.signed.latest"), "BOOTX64.EFI", "shim-signed"),
    ((f"{_SHIM}/mmx64.efi.signed", f"{_SHIM}/mmx64.efi"), "mmx64.efi", "shim-helpers-amd64-signed"),
    (("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",), "grubx64.efi", "grub-efi-amd64-signed"),
)
"""Debian's file and Ubuntu's, its name in ``EFI/BOOT``, its package. A script of Ubuntu's links Debian's name."""


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
            _signed(bench.paths)
        else:
            _core(bench, facts, platform, f"{ESP}/EFI/BOOT/{_EFI_NAMES[platform]}", ("fat",))
        _stub(bench.paths, facts)
        platforms.append(platform)
    beside = facts.identity.role("bios_grub") is not None and bench.paths.resolve(f"{_MODULES}/{BIOS}").is_dir()
    if facts.boot.firmware == "bios" or beside:
        _core(bench, facts, BIOS, CORE, ("biosdisk",))
        platforms.append(BIOS)
    _copy(bench.paths, platforms)
    install_theme(bench.root, facts.loader.theme)
    _defaults(bench.paths, facts)
    return tuple(platforms)


def write_menu(tree: PartedTree, facts: BootFacts) -> None:
    """Write the menu; see :func:`runner.bootloader.install.write_menu`."""
    theme = find_theme(tree.path(f"{THEMES}/{facts.loader.theme}")) if facts.loader.theme else None
    tree.write(f"{_HOME}/grub.cfg", grub_config(facts, theme).encode())


def _efi_platform(arch: str) -> str:
    if arch not in EFI_PLATFORMS:
        raise BuildError(f"GRUB for EFI on {arch} is not known", hint=f"known: {', '.join(EFI_PLATFORMS)}")
    return EFI_PLATFORMS[arch]


def _core(bench: Bench, facts: BootFacts, platform: str, output: str, more: Iterable[str]) -> None:
    """Have the tree's grub-mkimage make what the firmware starts; it finds the menu by the filesystem's UUID."""
    if not bench.paths.resolve(f"{_MODULES}/{platform}").is_dir():
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
    bench.paths.make_directory(output.rpartition("/")[0])
    early = bench.paths.write(f"boot/{_EARLY}", pointer(facts).encode())
    modules = (*_BUILT_IN, _FILESYSTEMS[filesystem], *more)
    arguments = ("-O", platform, "-o", f"/{output}", "-p", f"{facts.prefix}/grub", "-c", f"/boot/{_EARLY}")
    try:
        bench.run("grub-mkimage", *arguments, *modules, what="grub-mkimage")
    finally:
        early.unlink()


def _package(platform: str) -> str:
    return {BIOS: "grub-pc-bin", "x86_64-efi": "grub-efi-amd64-bin"}.get(platform, f"grub2-{platform}")


def _signed(paths: TreePaths) -> None:
    for names, place, package in _SIGNED:
        found = next(filter(paths.is_file, names), None)
        if found is None:
            raise BuildError(
                "the image has no signed bootloader",
                why=f'firmware="uefi" needs /{" or /".join(names)}',
                hint=f"add the package {package}",
            )
        paths.copy(found, f"{ESP}/EFI/BOOT/{place}")


def _stub(paths: TreePaths, facts: BootFacts) -> None:
    """The signed GRUB looks in a folder with the distribution's name, or of the one it was taken from."""
    text = pointer(facts) + "configfile $prefix/grub.cfg\n"
    for vendor in os_release.identities(os_release.of_tree(PartedTree({"/": paths.root}))):
        paths.write(f"{ESP}/EFI/{vendor}/grub.cfg", text.encode())


def _copy(paths: TreePaths, platforms: Iterable[str]) -> None:
    for platform in platforms:
        source, target = f"{_MODULES}/{platform}", f"{_HOME}/{platform}"
        paths.make_directory(target)
        for name in (file.name for pattern in _COPIED for file in find(paths, f"{source}/{pattern}")):
            if paths.is_file(f"{source}/{name}"):
                paths.copy(f"{source}/{name}", f"{target}/{name}")
    if paths.is_file(_FONT):
        paths.copy(_FONT, f"{_HOME}/fonts/unicode.pf2")


def _defaults(paths: TreePaths, facts: BootFacts) -> None:
    """Tell update-grub in the running system what the menu was made from; a file of the image stays as it is."""
    if paths.exists(_DEFAULTS):
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
        **_theme_default(paths, loader.theme),
    }
    text = "".join(f"{name}={quote(value) if value else ''}\n" for name, value in values.items())
    paths.write(_DEFAULTS, text.encode())


def _theme_default(paths: TreePaths, name: str) -> dict[str, str]:
    has_theme = bool(name) and find_theme(paths.resolve(f"{THEMES}/{name}")) is not None
    return {"GRUB_THEME": f"/{THEMES}/{name}/theme.txt"} if has_theme else {}
