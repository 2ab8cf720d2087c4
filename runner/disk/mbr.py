# SPDX-License-Identifier: Apache-2.0
"""Write a master boot record: the table of old PCs, with logical partitions in a chain behind an extended one.

Addresses are in sectors; those in cylinders, heads and sectors, which nothing reads any more, say "too far".
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

    from runner.disk.model import DiskLayout, Extent

TABLE_OFFSET = 446
"""Boot code lies before it; its last six bytes are the disk's identifier and two reserved ones."""

_IDENTIFIER_OFFSET, _SIGNATURE = 440, b"\x55\xaa"
_TOO_FAR = b"\xfe\xff\xff"
_ACTIVE, _EXTENDED, _PROTECTIVE = 0x80, 0x0F, 0xEE
_LAST_PRIMARY, _EXTENDED_NUMBER = 4, 4
_LARGEST = 0xFFFFFFFF


def write(layout: DiskLayout, stream: BinaryIO) -> None:
    """Write the table into ``stream``, a file of the layout's size; the boot code before it stays as it is."""
    sector = layout.identity.sector_bytes
    primary = [extent for extent in layout.extents if extent.partition.number <= _LAST_PRIMARY]
    logical = sorted(
        (extent for extent in layout.extents if extent.partition.number > _LAST_PRIMARY),
        key=lambda extent: extent.partition.number,
    )
    entries = {extent.partition.number: _partition(extent, sector, 0) for extent in primary}
    if logical:
        start = _table_of(logical[0]) // sector
        end = max(extent.offset + extent.size for extent in logical) // sector
        entries[_EXTENDED_NUMBER] = _entry(_EXTENDED, start, end - start)
        _write_chain(logical, start, sector, stream)
    table = b"".join(entries.get(number, bytes(16)) for number in range(1, 5))
    stream.seek(_IDENTIFIER_OFFSET)
    stream.write(bytes.fromhex(layout.identity.identifier)[::-1] + b"\0\0" + table + _SIGNATURE)


def protective(sectors: int) -> bytes:
    """Return the table that guards a GPT on a disk of so many ``sectors`` (UEFI specification, 5.2.3)."""
    entry = struct.pack("<B3sB3sII", 0, b"\0\x02\0", _PROTECTIVE, b"\xff\xff\xff", 1, min(sectors - 1, _LARGEST))
    return bytes(TABLE_OFFSET) + entry + bytes(48) + _SIGNATURE


def _write_chain(logical: list[Extent], start: int, sector: int, stream: BinaryIO) -> None:
    """Before each logical partition stands a table with itself and the place of the next table."""
    for extent, following in zip(logical, [*logical[1:], None], strict=True):
        place = _table_of(extent)
        table = _partition(extent, sector, place // sector)
        if following is not None:
            begin = _table_of(following) // sector
            end = (following.offset + following.size) // sector
            table += _entry(_EXTENDED, begin - start, end - begin)
        stream.seek(place + TABLE_OFFSET)
        stream.write(table.ljust(64, b"\0") + _SIGNATURE)


def _table_of(extent: Extent) -> int:
    """Where the table of a logical partition lies: the layout leaves a mebibyte before each."""
    return extent.offset - (1 << 20)


def _partition(extent: Extent, sector: int, base: int) -> bytes:
    active = _ACTIVE if extent.partition.plan.role in {"boot", "root"} else 0
    kind = int(extent.partition.type, 16)
    return _entry(kind, extent.offset // sector - base, extent.size // sector, active)


def _entry(kind: int, start: int, sectors: int, active: int = 0) -> bytes:
    return struct.pack("<B3sB3sII", active, _TOO_FAR, kind, _TOO_FAR, start, sectors)
