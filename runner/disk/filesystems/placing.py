# SPDX-License-Identifier: Apache-2.0
"""Copy a filesystem that was made in a file of its own to its place on the disk; holes stay holes."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from runner.disk.filesystems.api import Place


def copy_into(source: Path, place: Place) -> None:
    """Copy the data of ``source``, which is not larger than ``place``, to where it belongs.

    ``place`` must hold nothing but zeros where ``source`` has holes: a new disk does.
    """
    with source.open("rb") as given, place.file.open("r+b") as disk:
        end = 0
        while (start := _next(given.fileno(), end)) is not None:
            end = os.lseek(given.fileno(), start, os.SEEK_HOLE)
            done = start
            while done < end:
                done += os.copy_file_range(given.fileno(), disk.fileno(), end - done, done, place.offset + done)


def _next(descriptor: int, offset: int) -> int | None:
    """Return where data begins again at or behind ``offset``; None where only a hole follows."""
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        raise
