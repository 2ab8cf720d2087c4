# SPDX-License-Identifier: Apache-2.0
"""systemd-boot, from the tree's own packages, and entries by the UAPI Group's Boot Loader Specification.

It reads the EFI partition only, so the kernels lie there: of type 1, which are a kernel, an initrd and a text file
that names them, or of type 2, unified kernel images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import os_release
from runner.bootloader.facts import ESP, BootFacts
from runner.bootloader.unified import unified_kernel
from runner.errors import BuildError
from runner.prepare.paths import TreePaths

if TYPE_CHECKING:
    from pathlib import Path

    from runner.disk.split import PartedTree
    from runner.initrd.kernel import Kernel

ARCHES = {
    "x86_64": "x64",
    "ix86": "ia32",
    "aarch64": "aa64",
    "armv7l": "arm",
    "riscv64": "riscv64",
    "loongarch64": "loongarch64",
}
"""What UEFI calls architectures, in lower case."""

_PROGRAM = "usr/lib/systemd/boot/efi/systemd-boot{}.efi"
_NO_ID = "linux"


def install(root: Path, facts: BootFacts) -> None:
    """Write systemd-boot without its entries into the EFI partition's folder of the tree at ``root``.

    Raises:
        BuildError: the tree lacks it.
    """
    name, paths = _efi_arch(facts), TreePaths(root)
    program = _PROGRAM.format(name)
    if not paths.is_file(program):
        raise BuildError(
            "the image has no systemd-boot",
            why=f"/{program} is not there",
            hint="add the package systemd-boot-efi",
        )
    for place in (f"EFI/systemd/systemd-boot{name}.efi", f"EFI/BOOT/BOOT{name.upper()}.EFI"):
        paths.copy(program, f"{ESP}/{place}")
    hidden = facts.loader.timeout_style == "hidden"
    timeout = "menu-hidden" if hidden else str(facts.loader.timeout_seconds)
    paths.write(f"{ESP}/loader/loader.conf", f"timeout {timeout}\n".encode())


def write_menu(tree: PartedTree, facts: BootFacts) -> None:
    """Write an entry for each kernel; see :func:`runner.bootloader.install.write_menu`."""
    text = os_release.of_tree(tree)
    system = next(iter(os_release.identities(text)), _NO_ID)
    for kernel in facts.kernels:
        if facts.unified:
            program = unified_kernel(tree, facts, kernel, efi_arch=_efi_arch(facts), os_release=text)
            tree.write(f"{ESP}/EFI/Linux/{system}-{kernel.version}.efi", program)
        else:
            _write_entry(tree, facts, kernel, system)


def _write_entry(tree: PartedTree, facts: BootFacts, kernel: Kernel, system: str) -> None:
    folder = f"{system}/{kernel.version}"
    files = {"linux": (kernel.image, "linux"), "initrd": (kernel.initrd, "initrd.img")}
    if not facts.has_initrd:
        del files["initrd"]
    lines = [f"title {facts.loader.title or 'Linux'}", f"version {kernel.version}", f"sort-key {system}"]
    for key, (source, name) in files.items():
        tree.write(f"{ESP}/{folder}/{name}", tree.file(source).read_bytes())
        lines.append(f"{key} /{folder}/{name}")
    lines.append(f"options {facts.cmdline}")
    entry = "".join(f"{line}\n" for line in lines)
    tree.write(f"{ESP}/loader/entries/{system}-{kernel.version}.conf", entry.encode())


def _efi_arch(facts: BootFacts) -> str:
    if facts.arch not in ARCHES:
        raise BuildError(f"systemd-boot on {facts.arch} is not known", hint=f"known: {', '.join(ARCHES)}")
    return ARCHES[facts.arch]
