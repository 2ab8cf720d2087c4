# SPDX-License-Identifier: Apache-2.0
"""Which module writes which filesystem: a new one is one new module and one line here."""

from __future__ import annotations

import importlib

from runner.disk.filesystems.api import Filesystem
from runner.errors import BuildError

MODULES = {
    "btrfs": "btrfs",
    "erofs": "erofs",
    "ext2": "ext",
    "ext3": "ext",
    "ext4": "ext",
    "fat16": "vfat",
    "fat32": "vfat",
    "squashfs": "squashfs",
    "swap": "swap",
    "xfs": "xfs",
}
"""The description's name of a filesystem to the module here whose ``FILESYSTEM`` writes it."""


def filesystem_for(kind: str) -> Filesystem:
    """Return the writer of the filesystem ``kind``.

    Raises:
        BuildError: there is none.
    """
    if kind not in MODULES:
        known = ", ".join(sorted(MODULES))
        raise BuildError(f"{kind} cannot be written into a partition yet", hint=f"filesystems that can: {known}")
    found = importlib.import_module(f"runner.disk.filesystems.{MODULES[kind]}").FILESYSTEM
    if not isinstance(found, Filesystem):
        raise TypeError(f"{MODULES[kind]}.FILESYSTEM is not a Filesystem")
    return found
