# SPDX-License-Identifier: Apache-2.0
"""Write the partition table of a layout, of whatever kind it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.disk import gpt, mbr
from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from runner.disk.model import DiskLayout

VERSION = 1


def write_table(layout: DiskLayout, disk: Path) -> None:
    """Write the table of ``layout`` into the file ``disk``, which has the layout's size.

    Raises:
        BuildError: no writer for that kind of table exists.
    """
    with disk.open("r+b") as stream:
        match layout.identity.table:
            case "gpt":
                gpt.write(layout, stream)
            case "msdos":
                mbr.write(layout, stream)
            case other:
                raise BuildError(f"tables of kind {other} cannot be written")
