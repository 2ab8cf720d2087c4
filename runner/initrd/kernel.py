# SPDX-License-Identifier: Apache-2.0
"""Find the kernels of a tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

_IMAGE = re.compile(r"(?:vmlinuz|vmlinux|linux|Image|zImage)-(?P<version>.+)")
_MODULES = ("usr/lib/modules", "lib/modules")
_INITRD_NAMES = {"debian": "initrd.img-{}", "fedora": "initramfs-{}.img"}
_OTHER_INITRD = "initrd-{}"


class Kernel(msgspec.Struct, frozen=True, kw_only=True):
    """A kernel as ``/boot`` has it; ``image`` and ``initrd`` are absolute paths inside the tree."""

    version: str
    image: str
    initrd: str


def find_kernels(root: Path) -> tuple[Kernel, ...]:
    """Return the kernels of the tree at ``root`` that have modules, the newest first.

    Raises:
        BuildError: there is none.
    """
    modules = {entry.name for folder in _MODULES for entry in _entries(root / folder) if entry.is_dir()}
    name = _initrd_name(root)
    found = [
        Kernel(
            version=match["version"], image=f"/boot/{entry.name}", initrd=f"/boot/{name.format(match['version'])}"
        )
        for entry in _entries(root / "boot")
        if entry.is_file() and (match := _IMAGE.fullmatch(entry.name)) and match["version"] in modules
    ]
    if not found:
        raise BuildError(
            "the image has no kernel",
            why="there is none in /boot that has its modules in /usr/lib/modules",
            hint="add a kernel's package, such as linux-image-amd64, to the description",
        )
    return tuple(sorted(found, key=lambda kernel: _by_number(kernel.version), reverse=True))


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []


def _initrd_name(root: Path) -> str:
    if (root / "etc/debian_version").exists() or (root / "usr/sbin/update-initramfs").exists():
        return _INITRD_NAMES["debian"]
    if (root / "etc/fedora-release").exists() or (root / "etc/redhat-release").exists():
        return _INITRD_NAMES["fedora"]
    return _OTHER_INITRD


def _by_number(version: str) -> tuple[tuple[int, str], ...]:
    """Let 6.12 be newer than 6.9."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", version))
