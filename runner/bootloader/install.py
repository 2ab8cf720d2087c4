# SPDX-License-Identifier: Apache-2.0
"""Install the bootloader that the plan names: first its programs, with the tree's own tools, then its menu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.bootloader import grub, systemd_boot
from runner.errors import BuildError

if TYPE_CHECKING:
    from runner.bootloader.facts import BootFacts
    from runner.disk.split import PartedTree
    from runner.prepare.step import Bench


@dataclass(frozen=True, slots=True)
class BootCode:
    """What is written outside of filesystems for a BIOS: the first sector's code, and what that loads."""

    boot: bytes
    core: bytes


def install(bench: Bench, facts: BootFacts) -> BootCode | None:
    """Write the bootloader's programs into the tree; return the code that goes into the disk itself, if any does.

    Raises:
        BuildError: the tree lacks the bootloader, or it cannot be installed yet.
    """
    match facts.loader.name:
        case "custom":
            return None  # the description's scripts see to it
        case "grub2":
            platforms = grub.install(bench, facts)
            if grub.BIOS not in platforms:
                return None
            boot, core = (bench.paths.resolve(name).read_bytes() for name in (grub.BOOT, grub.CORE))
            return BootCode(boot, core)
        case "systemd_boot":
            systemd_boot.install(bench.root, facts)
            return None
        case other:
            raise BuildError(
                f"the bootloader {other} cannot be installed yet", hint='use <bootloader name="grub2"/>'
            )


def write_menu(tree: PartedTree, facts: BootFacts) -> None:
    """Write what tells the kernel its arguments, which name the root: with a root hash only when that is finished.

    Raises:
        BuildError: the tree lacks what the menu's entries are made from.
    """
    match facts.loader.name:
        case "grub2":
            grub.write_menu(tree, facts)
        case "systemd_boot":
            systemd_boot.write_menu(tree, facts)
