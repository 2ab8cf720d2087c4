# SPDX-License-Identifier: Apache-2.0
"""``vhdx``: the format of Hyper-V, ``N.vhdx``."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from runner.create.formats import qemu
from runner.create.formats.api import described
from runner.create.formats.vhdx_identity import Identity, identify

if TYPE_CHECKING:
    from runner.create.formats.api import Disk
    from runner.create.image import ResultFile


def convert(disk: Disk) -> tuple[ResultFile, ...]:
    """Write ``N.vhdx``, which grows; see :class:`runner.create.formats.api.Convert`."""
    path = disk.path("vhdx")
    qemu.convert(disk, "vhdx", path, ("subformat=dynamic", *disk.plan.options))
    file, data, whole = (UUID(disk.inputs.uuid(f"vhdx {name}")) for name in ("file", "data", "disk"))
    identify(path, Identity(file=file, data=data, disk=whole))
    return (described(path, "application/x-vhdx", compress=True),)
