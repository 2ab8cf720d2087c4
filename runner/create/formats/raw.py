# SPDX-License-Identifier: Apache-2.0
"""No format: the disk as it is, ``N.raw``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.formats.api import described

if TYPE_CHECKING:
    from runner.create.formats.api import Disk
    from runner.create.image import ResultFile

MEDIA_TYPE = "application/octet-stream"


def convert(disk: Disk) -> tuple[ResultFile, ...]:
    """Leave the disk; see :class:`runner.create.formats.api.Convert`."""
    path = disk.path("raw")
    if path != disk.raw:
        disk.raw.rename(path)
    return (described(path, MEDIA_TYPE, role="disk_image", compress=True),)
