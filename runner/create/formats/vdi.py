# SPDX-License-Identifier: Apache-2.0
"""``vdi``: the format of VirtualBox, ``N.vdi``."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from runner.create.formats import qemu
from runner.create.formats.api import described
from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.formats.api import Disk
    from runner.create.image import ResultFile

_SIGNATURE = 0xBEDA107F
_SIGNATURE_OFFSET, _IMAGE_OFFSET, _SNAPSHOT_OFFSET = 0x40, 0x188, 0x198


def convert(disk: Disk) -> tuple[ResultFile, ...]:
    """Write ``N.vdi``; see :class:`runner.create.formats.api.Convert`."""
    path = disk.path("vdi")
    qemu.convert(disk, "vdi", path, disk.plan.options)
    identify(path, image=UUID(disk.inputs.uuid("vdi image")), snapshot=UUID(disk.inputs.uuid("vdi snapshot")))
    return (described(path, "application/x-virtualbox-vdi", compress=True),)


def identify(path: Path, *, image: UUID, snapshot: UUID) -> None:
    """Put the identifiers of the image and of its last change into the header of the VDI at ``path``.

    The header is that of VirtualBox's ``VDICore.h``, version 1.1; identifiers are stored as Microsoft's GUIDs.

    Raises:
        BuildError: it is no VDI.
    """
    with path.open("r+b") as file:
        file.seek(_SIGNATURE_OFFSET)
        if file.read(4) != _SIGNATURE.to_bytes(4, "little"):
            raise BuildError(f"{path.name} is no VDI", why="its signature is missing")
        for offset, value in ((_IMAGE_OFFSET, image), (_SNAPSHOT_OFFSET, snapshot)):
            file.seek(offset)
            file.write(value.bytes_le)
