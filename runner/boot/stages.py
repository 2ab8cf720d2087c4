# SPDX-License-Identifier: Apache-2.0
"""Know from lines of the console how far a system has come, and when it will come no further."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from runner.boot.model import Passed, Stage

LOGIN_PROMPT = re.compile(r"^\S+ login: ?")

_SIGNS: dict[Stage, re.Pattern[str]] = {
    "loader": re.compile(
        r"^Booting from (?:Hard Disk|[0-9a-f]{4}:7c00)|^BdsDxe: starting Boot|^GNU GRUB|^Welcome to GRUB"
    ),
    "kernel": re.compile(r"^\[ *0\.0+\] |Linux version \d|^EFI stub: |^Loading Linux "),
    "initrd": re.compile(
        r"Run /init as init process|Running in (?:initrd|initramfs)|^Loading, please wait|\(Initramfs\)"
    ),
    "userspace": re.compile(
        r"systemd\[1\]: (?:Hostname set to|Switching root|Detected architecture)"
        r"|Switching root|Run /(?:usr/)?(?:s?bin|lib/systemd)/\S+ as init process|^INIT: version"
        r"|^Welcome to (?!GRUB)(?!.*\(Initramfs\))|/scripts/init-bottom"
    ),
    "login": LOGIN_PROMPT,
}
_ORDER: tuple[Stage, ...] = get_args(Stage)


class Timeline:
    """Notes when each stage was first seen. A stage counts only after those before it."""

    def __init__(self) -> None:
        self._passed = [Passed("firmware", 0.0)]

    def hear(self, line: str, seconds: float) -> None:
        """Take notice of ``line``, which came ``seconds`` after the start."""
        reached = _ORDER.index(self._passed[-1].stage)
        for stage in _ORDER[reached + 1 :]:
            if _SIGNS[stage].search(line):
                self._passed.append(Passed(stage, round(seconds, 3)))
                return

    @property
    def passed(self) -> tuple[Passed, ...]:
        return tuple(self._passed)


@dataclass(frozen=True, slots=True)
class DeadEnd:
    """A line after which nothing more is to be hoped for."""

    sign: re.Pattern[str]
    what: str
    hint: str | None = None


PANIC = DeadEnd(re.compile(r"Kernel panic - not syncing"), "the kernel panicked")

_NO_BOOTLOADER = "the image has no bootloader for this firmware: try another with --firmware"

DEAD_ENDS = (
    PANIC,
    DeadEnd(
        re.compile(
            r"^Booting from Floppy|^No bootable device"
            r"|^BdsDxe: loading Boot\w+ \"EFI Internal Shell|No bootable option or device was found"
        ),
        "the firmware found nothing to boot",
        _NO_BOOTLOADER,
    ),
    DeadEnd(
        re.compile(r"^BdsDxe: .*Access Denied|Security Violation|Verification failed: |bad shim signature"),
        "secure boot refused a program",
        "boot loader, kernel and image have to be signed with keys that the firmware knows",
    ),
    DeadEnd(re.compile(r"^grub(?: rescue)?> ?$"), "GRUB found no configuration and waits for commands"),
    DeadEnd(re.compile(r"^\(initramfs\) ?$"), "the initrd gave up and waits for commands"),
    DeadEnd(
        re.compile(r"You are in (?:emergency|rescue) mode|Entering emergency mode|Press Enter for maintenance"),
        "the system went into emergency mode",
    ),
)
