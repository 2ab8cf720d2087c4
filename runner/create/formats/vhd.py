# SPDX-License-Identifier: Apache-2.0
"""``vhd`` and ``vhd-fixed``: formats of Virtual PC, early Hyper-V and Azure, ``N.vhd`` and ``N.vhdfixed``.

The disk keeps its exact size: rounded to what cylinders, heads and sectors can say, as qemu-img does unless told
otherwise, a GPT's second header would not stand at the end, and Azure wants whole MiB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from runner.create.formats import qemu
from runner.create.formats.api import described
from runner.create.formats.vhd_identity import identify
from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.formats.api import Disk
    from runner.create.image import ResultFile

_MEDIA_TYPE = "application/x-vhd"
_EXACT = "force_size=on"
_TAG_OFFSET, _TAG_BYTES = 65536, 512


def convert(disk: Disk) -> tuple[ResultFile, ...]:
    """Write ``N.vhd``, which grows; see :class:`runner.create.formats.api.Convert`."""
    path = disk.path("vhd")
    _write(disk, path, (_EXACT, *disk.plan.options))
    return (described(path, _MEDIA_TYPE, compress=True),)


def convert_fixed(disk: Disk) -> tuple[ResultFile, ...]:
    """Write ``N.vhdfixed``, as large as the disk; see :class:`runner.create.formats.api.Convert`."""
    path = disk.path("vhdfixed")
    _write(disk, path, (_EXACT, *disk.plan.options, "subformat=fixed"))
    if disk.plan.vhd_fixed_tag:
        tag(path, disk.plan.vhd_fixed_tag)
    return (described(path, _MEDIA_TYPE, compress=True),)


def tag(path: Path, guid: str) -> None:
    """Write ``guid``, by which Azure knows a publisher's image, in a block of its own at 64 KiB.

    Raises:
        BuildError: it is no GUID.
    """
    try:
        value = UUID(guid).bytes_le
    except ValueError:
        raise BuildError(
            f"vhdfixedtag {guid!r} is no GUID", hint="for instance 12345678-1234-1234-1234-123456789abc"
        ) from None
    with path.open("r+b") as file:
        file.seek(_TAG_OFFSET)
        file.write(value.ljust(_TAG_BYTES, b"\0"))


def _write(disk: Disk, path: Path, options: tuple[str, ...]) -> None:
    qemu.convert(disk, "vpc", path, options)
    identify(path, uuid=UUID(disk.inputs.uuid("vhd")), epoch=disk.inputs.epoch)
