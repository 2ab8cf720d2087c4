# SPDX-License-Identifier: Apache-2.0
"""Give a VHD the identity and the time that we want (Microsoft, "Virtual Hard Disk Image Format Specification").

The last 512 bytes of the file are its footer; a disk that grows starts with a copy of it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

FOOTER_BYTES = 512
_COOKIE = b"conectix"
_TIME_OFFSET, _CHECKSUM_OFFSET, _UUID_OFFSET = 24, 64, 68
_YEAR_2000 = 946_684_800
_LARGEST = 0xFFFFFFFF


def identify(path: Path, *, uuid: UUID, epoch: int) -> None:
    """Put ``uuid`` and the time ``epoch`` (seconds since 1970) into both footers of the VHD at ``path``.

    Raises:
        BuildError: it is no VHD.
    """
    with path.open("r+b") as file:
        file.seek(-FOOTER_BYTES, 2)
        footer = file.read(FOOTER_BYTES)
        if not footer.startswith(_COOKIE):
            raise BuildError(f"{path.name} is no VHD", why="its footer is missing")
        mended = identified(footer, uuid=uuid, epoch=epoch)
        file.seek(-FOOTER_BYTES, 2)
        file.write(mended)
        file.seek(0)
        if file.read(FOOTER_BYTES) == footer:
            file.seek(0)
            file.write(mended)


def identified(footer: bytes, *, uuid: UUID, epoch: int) -> bytes:
    """Return ``footer`` with another identity and time, and a checksum that is right again."""
    seconds = min(max(epoch - _YEAR_2000, 0), _LARGEST)
    changed = bytearray(footer)
    struct.pack_into(">I", changed, _TIME_OFFSET, seconds)
    struct.pack_into(">I16s", changed, _CHECKSUM_OFFSET, 0, uuid.bytes)
    struct.pack_into(">I", changed, _CHECKSUM_OFFSET, ~sum(changed) & _LARGEST)
    return bytes(changed)
