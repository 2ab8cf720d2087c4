# SPDX-License-Identifier: Apache-2.0
"""``vmdk``: the format of VMware, ``N.vmdk``, with the machine's settings in ``N.vmx``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.formats import qemu
from runner.create.formats.api import described
from runner.create.formats.hardware import Hardware
from runner.create.formats.vmdk_identity import identify
from runner.create.formats.vmx import settings_file
from runner.seed import Seed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.create.formats.api import Disk
    from runner.create.image import ResultFile

MEDIA_TYPE = "application/x-vmdk"
STREAM = "subformat=streamOptimized"
"""Compressed, to be read in one go: what OVF packages contain."""

_SETTINGS_ROLE = "disk_format_machine_settings"


def convert(disk: Disk) -> tuple[ResultFile, ...]:
    """Write ``N.vmdk`` and ``N.vmx``; see :class:`runner.create.formats.api.Convert`."""
    path, settings = disk.path("vmdk"), disk.path("vmx")
    write(disk, path, disk.plan.options)
    text = settings_file(Hardware.of(disk.inputs), title=disk.inputs.title, disk_file=path.name)
    settings.write_text(text, encoding="utf-8")
    return (described(path, MEDIA_TYPE), described(settings, "text/plain", role=_SETTINGS_ROLE))


def write(disk: Disk, path: Path, options: Sequence[str]) -> None:
    """Write the disk as the new file ``path``, whose name stands in it."""
    qemu.convert(disk, "vmdk", path, options)
    seed = Seed(bytes.fromhex(disk.inputs.seed))
    identify(path, int.from_bytes(seed.bytes("vmdk content", 4), "big"))
