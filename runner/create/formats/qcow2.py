# SPDX-License-Identifier: Apache-2.0
"""``qcow2``: the format of QEMU, ``N.qcow2``.

KIWI compresses its qcow2 in a second pass, with zlib. So do we, but in one pass and with zstd, which takes less
time for the same size; QEMU reads it since 5.1. Options of the description that exclude it win.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.formats import qemu
from runner.create.formats.api import described

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.create.formats.api import Disk
    from runner.create.image import ResultFile

MEDIA_TYPE = "application/x-qemu-disk"

_OLD = frozenset({"compat=0.10", "compat=v2"})
"""Before format 3 there was only zlib."""

_WITHOUT_COMPRESSION = ("preallocation=metadata", "preallocation=falloc", "preallocation=full")


def convert(disk: Disk) -> tuple[ResultFile, ...]:
    """Write ``N.qcow2``; see :class:`runner.create.formats.api.Convert`."""
    path = disk.path("qcow2")
    write(disk, path)
    return (described(path, MEDIA_TYPE),)


def write(disk: Disk, path: Path) -> None:
    """Write the disk as the new file ``path``."""
    said = disk.plan.options
    compress = compresses(said)
    zstd = ("compression_type=zstd",) if compress and _OLD.isdisjoint(said) else ()
    qemu.convert(disk, "qcow2", path, (*zstd, *said), compress=compress)


def compresses(options: Iterable[str]) -> bool:
    """Tell whether ``options`` leave room for compression: space that is set aside cannot be saved."""
    return not any(option in _WITHOUT_COMPRESSION for option in options)
