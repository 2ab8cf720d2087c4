# SPDX-License-Identifier: Apache-2.0
"""Read a file that somebody else may have put there: never waits, never reads without end."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_small_file(path: Path, most: int, *, follow: bool = True) -> bytes:
    """Return the content of the file ``path``, one byte more than ``most`` of one that is larger.

    Raises:
        OSError: it cannot be read, or is no regular file; a link is none either unless ``follow``.
    """
    flags = os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    with open(path, "rb", opener=lambda name, mode: os.open(name, mode | flags)) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "Not a file", str(path))
        return stream.read(most + 1)
