# SPDX-License-Identifier: Apache-2.0
"""What a boot test is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import msgspec

from runner.errors import BootError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Firmware = Literal["bios", "uefi", "secure"]
"""``secure`` is UEFI that starts nothing but what the keys in its variables have signed."""

Accelerator = Literal["auto", "kvm", "tcg"]
Bus = Literal["virtio", "sata", "scsi", "nvme"]

Stage = Literal["firmware", "loader", "kernel", "initrd", "userspace", "login"]


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in through the serial console; an empty password is for accounts that ask for none."""

    user: str = "root"
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BootTest:
    """One start of a disk in a virtual machine.

    Attributes:
        disk: image file in any format that qemu-img recognises, or an archive with one; it is never written.
        grow_to: bytes of the disk that the machine sees, None for the image's own.
        sector_bytes: of the disk; 4096 for an image made for such disks.
        variables: template of UEFI variables in place of the firmware's own, such as one with own keys.
        expect: regular expression searched in every line of the console; None waits for the login prompt.
        script: run in the image after logging in; None runs nothing.
        seconds: wall-clock time for everything together.
        memory_mib: of the machine.
        cpus: of the machine; None gives it :func:`runner.boot.machine.processors`.
        network: lets the machine reach what this one does; else it only finds a DHCP server.
        log: file for all that the console showed, with the second at which it did.
        screenshot: PNG of the screen, made when the outcome is known.
    """

    disk: Path
    firmware: Firmware = "bios"
    accelerator: Accelerator = "auto"
    bus: Bus = "virtio"
    grow_to: int | None = None
    sector_bytes: int = 512
    variables: Path | None = None
    expect: str | None = None
    login: Login = Login()
    script: bytes | None = None
    seconds: float = 600.0
    memory_mib: int = 1024
    cpus: int | None = None
    network: bool = False
    log: Path | None = None
    screenshot: Path | None = None


class Passed(msgspec.Struct, frozen=True):
    """A stage that was seen to begin, in seconds after the machine was switched on."""

    stage: Stage
    seconds: float


class BootReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a boot test saw. ``script_exit`` is None when no script ended."""

    firmware: Firmware
    accelerator: Literal["kvm", "tcg"]
    seconds: float
    timeline: tuple[Passed, ...]
    script_exit: int | None = None
    script_output: tuple[str, ...] = ()


class FailedBootError(BootError):
    """Carries what was seen before the failure."""

    def __init__(
        self, what: str, *, why: str | None = None, hint: str | None = None, log_tail: Sequence[str] = ()
    ) -> None:
        super().__init__(what, why=why, hint=hint, log_tail=log_tail)
        self.report: BootReport | None = None
