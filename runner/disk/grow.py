# SPDX-License-Identifier: Apache-2.0
"""Make a finished disk larger: its end moves, and with it the second copy of a GUID partition table.

Partitions stay as they are; the system grows its root into the new space when it starts.
Offsets are those of the UEFI specification 2.10, section 5.3.2.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from runner.disk.mbr import TABLE_OFFSET, protective
from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_SECTORS = (512, 4096)
_SIGNATURE = b"EFI PART"
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_CHECKSUM = slice(16, 20)
_KIND, _ENTRY = 4, 16
"""Where an MBR's first entry says what it is for, and where that entry ends."""


def grow(disk: Path, size: int) -> None:
    """Give the file ``disk`` the size of ``size`` bytes, a multiple of 4096, and mend its table.

    Raises:
        BuildError: it is larger already, or has a GPT that is damaged.
    """
    with disk.open("r+b") as stream:
        before = stream.seek(0, 2)
        if size < before:
            raise BuildError(
                "a disk cannot be made smaller",
                why=f"it has {before} bytes, and {size} were asked for",
                hint="set <size> in the description and build again",
            )
        stream.truncate(size)
        for sector in _SECTORS:
            stream.seek(sector)
            header = stream.read(_HEADER.size)
            if header.startswith(_SIGNATURE):
                _move_backup(stream, header, sector, size)


def _move_backup(stream: BinaryIO, header: bytes, sector: int, size: int) -> None:
    """Write both headers anew, the table's copy and the second header at the end, and clear where they were."""
    fields = list(_HEADER.unpack(header))
    old_backup, (count, entry_bytes, checksum) = fields[6], fields[11:]
    entries = _read(stream, fields[10] * sector, count * entry_bytes)
    if zlib.crc32(entries) != checksum or _checked(header) != header:
        raise BuildError("the partition table of the disk is damaged", why="its checksum is another one")
    table_sectors = -(-len(entries) // sector)
    last = size // sector - 1
    if old_backup == last:
        return
    _clear(stream, (old_backup - table_sectors) * sector, (table_sectors + 1) * sector)
    fields[5], fields[6], fields[8] = 1, last, last - table_sectors - 1
    _write(stream, sector, _checked(_HEADER.pack(*fields)))
    fields[5], fields[6], fields[10] = last, 1, last - table_sectors
    _write(stream, (last - table_sectors) * sector, entries)
    _write(stream, last * sector, _checked(_HEADER.pack(*fields)))
    _protect(stream, size // sector)


def _protect(stream: BinaryIO, sectors: int) -> None:
    """Let the MBR guard all of the disk, unless it has partitions of its own; boot code before it stays."""
    table = protective(sectors)[TABLE_OFFSET:]
    found = _read(stream, TABLE_OFFSET, len(table))
    if found[_KIND] == table[_KIND] and found[_ENTRY:] == table[_ENTRY:]:
        _write(stream, TABLE_OFFSET, table)


def _checked(header: bytes) -> bytes:
    """Return ``header`` with its checksum, which is taken while its own place is zero."""
    made = bytearray(header)
    made[_CHECKSUM] = bytes(4)
    made[_CHECKSUM] = struct.pack("<I", zlib.crc32(made))
    return bytes(made)


def _read(stream: BinaryIO, place: int, size: int) -> bytes:
    stream.seek(place)
    return stream.read(size)


def _write(stream: BinaryIO, place: int, data: bytes) -> None:
    stream.seek(place)
    stream.write(data)


def _clear(stream: BinaryIO, place: int, size: int) -> None:
    _write(stream, place, bytes(size))
