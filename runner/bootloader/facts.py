# SPDX-License-Identifier: Apache-2.0
"""What a bootloader has to know of the disk it starts a system from."""

from __future__ import annotations

import msgspec

from runner.disk.fstab import device
from runner.disk.model import DiskIdentity, Partition
from runner.disk.subvolumes import Subvolume, mount_option, path_on_disk
from runner.disk.verity import DEVICE
from runner.errors import BuildError
from runner.initrd.kernel import Kernel
from runner.plan.boot import BootloaderPlan, BootPlan

ESP = "boot/efi"
"""Folder of the tree that becomes the EFI partition."""


class BootFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The disk's names, the plan, and the kernels.

    Attributes:
        arch: as ``uname -m`` says.
        kernels: the newest first.
        has_initrd: each kernel has an initrd.
        unified: kernel and initrd become one EFI program.
        root_hash: of a root under dm-verity, hexadecimal.
        volumes: the subvolumes of the root.
    """

    identity: DiskIdentity
    boot: BootPlan
    arch: str
    kernels: tuple[Kernel, ...]
    has_initrd: bool = True
    unified: bool = False
    root_hash: str = ""
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
        words += [f"roothash={self.root_hash}"] if self.root_hash else []
        if any(word.startswith("root=") for word in words):
            return " ".join(words)
        root = self.identity.role("root")
        if root is None:
            raise BuildError("the disk has no root partition")
        mode = [] if {"ro", "rw"} & {*words} else ["ro"]
        option = mount_option(self.volumes)
        if option and not any(word.startswith("rootflags=") for word in words):
            mode.append(f"rootflags={option}")
        source = DEVICE if self.root_hash else device(root, self.boot.devices_by)
        return " ".join((f"root={source}", *mode, *words))
