# SPDX-License-Identifier: Apache-2.0
"""Give a VMDK the content identifier that we want (VMware, "Virtual Disk Format 5.0").

The identifier is a line of the descriptor, a text that a disk in one file carries behind its header. qemu-img
makes it up, and writes it without leading zeros: so the text is written anew.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

_SECTOR = 512
_HEADER = struct.Struct("<4sIIQQQQ")
"""Of a sparse extent, up to the place and the size of the descriptor."""

_MAGIC = b"KDMV"
_IDENTIFIER = re.compile(rb"^CID=[0-9a-fA-F]+$", re.MULTILINE)
_LARGEST = 0xFFFFFFFD
"""The two numbers above it mean "none"."""


def identify(path: Path, number: int) -> None:
    """Put ``number`` into the VMDK at ``path``.

    Raises:
        BuildError: it is no VMDK in one sparse file.
    """
    with path.open("r+b") as file:
        magic, *_, offset, sectors = _HEADER.unpack(file.read(_HEADER.size).ljust(_HEADER.size, b"\0"))
        if magic != _MAGIC:
            raise BuildError(f"{path.name} is no VMDK in one file")
        file.seek(offset * _SECTOR)
        room = sectors * _SECTOR
        text = identified(file.read(room).rstrip(b"\0"), number)
        if len(text) > room:
            raise BuildError(f"the descriptor of {path.name} is too long", hint="give the image a shorter name")
        file.seek(offset * _SECTOR)
        file.write(text.ljust(room, b"\0"))


def identified(descriptor: bytes, number: int) -> bytes:
    """Return the descriptor with the identifier ``number``, of which 32 bits count.

    Raises:
        BuildError: it has none, or several.
    """
    line = b"CID=%08x" % min(number & 0xFFFFFFFF, _LARGEST)
    text, found = _IDENTIFIER.subn(line, descriptor)
    if found != 1:
        raise BuildError("the descriptor of a VMDK has no identifier")
    return text
