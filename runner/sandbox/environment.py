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


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the base environment with ``extra`` on top."""
    return {**BASE, **extra}
