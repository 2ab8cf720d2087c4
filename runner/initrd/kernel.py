# SPDX-License-Identifier: Apache-2.0
"""Find the kernels of a tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from runner.errors import BuildError
from runner.prepare.glob import find
from runner.prepare.paths import TreePaths

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
    paths = TreePaths(root)
    modules = {
        name for folder in _MODULES for name in _names(paths, folder) if paths.resolve(f"{folder}/{name}").is_dir()
    }
    initrd = _initrd_name(paths)
    found = [
        Kernel(version=match["version"], image=f"/boot/{name}", initrd=f"/boot/{initrd.format(match['version'])}")
        for name in _names(paths, "boot")
        if (match := _IMAGE.fullmatch(name)) and match["version"] in modules and paths.is_file(f"boot/{name}")
    ]
    if not found:
        raise BuildError(
            "the image has no kernel",
            why="there is none in /boot that has its modules in /usr/lib/modules",
            hint="add a kernel's package, such as linux-image-amd64, to the description",
        )
    return tuple(sorted(found, key=lambda kernel: _by_number(kernel.version), reverse=True))


def _names(paths: TreePaths, folder: str) -> list[str]:
    return [entry.name for entry in find(paths, f"{folder}/*")]


def _initrd_name(paths: TreePaths) -> str:
    if paths.exists("etc/debian_version") or paths.exists("usr/sbin/update-initramfs"):
        return _INITRD_NAMES["debian"]
    if paths.exists("etc/fedora-release") or paths.exists("etc/redhat-release"):
        return _INITRD_NAMES["fedora"]
    return _OTHER_INITRD


def _by_number(version: str) -> tuple[tuple[int, str], ...]:
    """Let 6.12 be newer than 6.9."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", version))
