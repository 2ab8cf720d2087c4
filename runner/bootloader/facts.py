# SPDX-License-Identifier: Apache-2.0
"""What a bootloader has to know of the disk it starts a system from."""

from __future__ import annotations

import msgspec

from runner.disk.fstab import device
from runner.disk.model import DiskIdentity, Partition
from runner.disk.subvolumes import Subvolume, mount_option, path_on_disk
from runner.errors import BuildError
from runner.initrd.kernel import Kernel
from runner.plan.boot import BootloaderPlan, BootPlan

ESP = "boot/efi"
"""Folder of the tree that becomes the EFI partition."""


class BootFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The disk's names, the plan, and the kernels with the newest first.

    ``has_initrd``: each has an initrd. ``volumes`` are the subvolumes of the root.
    """

    identity: DiskIdentity
    boot: BootPlan
    kernels: tuple[Kernel, ...]
    has_initrd: bool = True
    volumes: tuple[Subvolume, ...] = ()

    @property
    def loader(self) -> BootloaderPlan:
        return self.boot.loader or BootloaderPlan()

    @property
    def home(self) -> Partition:
        """The partition that has ``/boot`` on it.

        Raises:
            BuildError: no partition has.
        """
        found = self.identity.role("boot") or self.identity.role("root")
        if found is None:
            raise BuildError("the disk has no partition for /boot")
        return found

    @property
    def prefix(self) -> str:
        """Where ``/boot`` is on its partition, seen from the top: GRUB knows no default subvolume."""
        return "" if self.home.plan.role == "boot" else path_on_disk(self.volumes, "/boot")

    @property
    def cmdline(self) -> str:
        """The kernel's arguments; a ``root=`` of the description replaces ours.

        Raises:
            BuildError: the disk has no root partition, or one without the label it is to be named by.
        """
        words = self.boot.cmdline.split()
        if any(word.startswith("root=") for word in words):
            return " ".join(words)
        root = self.identity.role("root")
        if root is None:
            raise BuildError("the disk has no root partition")
        mode = [] if {"ro", "rw"} & {*words} else ["ro"]
        option = mount_option(self.volumes)
        if option and not any(word.startswith("rootflags=") for word in words):
            mode.append(f"rootflags={option}")
        return " ".join((f"root={device(root, self.boot.devices_by)}", *mode, *words))
