# SPDX-License-Identifier: Apache-2.0
"""What every program in a sandbox sees, whatever the backend: environment, host name, capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HOSTNAME = "localhost"

BASE = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
    "SHELL": "/bin/sh",
    "USER": "root",
    "LOGNAME": "root",
    # Hash seeds fixed: some package scripts print the contents of a dict or hash into a file.
    "PYTHONHASHSEED": "0",
    "PERL_HASH_SEED": "0",
}

CAPABILITIES = (
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_LEASE",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
    "CAP_SYS_NICE",
)
"""What package scripts need to own files and change users; nothing that touches the kernel, devices or network."""

CAPABILITY_NUMBERS = {
    "CAP_CHOWN": 0,
    "CAP_DAC_OVERRIDE": 1,
    "CAP_FOWNER": 3,
    "CAP_FSETID": 4,
    "CAP_KILL": 5,
    "CAP_SETGID": 6,
    "CAP_SETUID": 7,
    "CAP_SETPCAP": 8,
    "CAP_SYS_CHROOT": 18,
    "CAP_SYS_NICE": 23,
    "CAP_LEASE": 28,
    "CAP_AUDIT_WRITE": 29,
    "CAP_SETFCAP": 31,
}
"""Their numbers in the kernel (``linux/capability.h``)."""

PROC_READ_ONLY = ("acpi", "bus", "dynamic_debug", "fs", "irq", "scsi", "sys", "sysrq-trigger")
"""Parts of ``/proc`` through which the owner root, whatever its capabilities, changes the running kernel."""

DEVICES = {"full": (1, 7), "null": (1, 3), "random": (1, 8), "tty": (5, 0), "urandom": (1, 9), "zero": (1, 5)}
"""All devices there are, with major and minor number (Linux, ``Documentation/admin-guide/devices.txt``)."""

MEMORY_FILES = 64 << 20
"""Bytes that ``/dev/shm`` may hold, as in most containers: they are in memory, and belong to no process."""

UMASK = 0o022

PROCESSES = 4096
"""More processes at once than any package script needs, fewer than a fork bomb."""

MOST_PROCESSES = 1 << 22
"""The kernel has no more (``linux/threads.h``, ``PID_MAX_LIMIT``)."""


def environment(extra: Mapping[str, str], cwd: str = "/") -> dict[str, str]:
    """Return the base environment with ``extra`` on top; ``PWD`` is ``cwd``, as bubblewrap sets it."""
    return {**BASE, "PWD": cwd, **extra}
