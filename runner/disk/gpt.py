# SPDX-License-Identifier: Apache-2.0
"""Write a GUID partition table (UEFI specification 2.10, chapter 5), into a file and for any size of sectors.

Our own writer, because sfdisk takes the sector size of a file to be 512 bytes and disks with 4096 are wanted too.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from typing import TYPE_CHECKING

from runner.disk.mbr import protective

if TYPE_CHECKING:
    from typing import BinaryIO

    from runner.disk.model import DiskLayout, Extent

ENTRIES, _ENTRY_BYTES, _HEADER_BYTES = 128, 128, 92
_SIGNATURE, _REVISION = b"EFI PART", 0x00010000
_LONGEST_NAME = 36


def write(layout: DiskLayout, stream: BinaryIO) -> None:
    """Write both tables and the protective MBR into ``stream``, a file of the layout's size."""
    sector = layout.identity.sector_bytes
    last = layout.size // sector - 1
    entries = _entries(layout)
    table_sectors = len(entries) // sector
    usable = (2 + table_sectors, last - table_sectors - 1)
    stream.seek(0)
    stream.write(protective(layout.size // sector))
    disk = uuid.UUID(layout.identity.identifier)
    for own, other, table in ((1, last, 2), (last, 1, last - table_sectors)):
        stream.seek(table * sector)
        stream.write(entries)
        places = (own, other, *usable, table)
        stream.seek(own * sector)
        stream.write(_header(disk, places, zlib.crc32(entries)).ljust(sector, b"\0"))


def _entries(layout: DiskLayout) -> bytes:
    entries = bytearray(ENTRIES * _ENTRY_BYTES)
    for extent in layout.extents:
        start = (extent.partition.number - 1) * _ENTRY_BYTES
        entries[start : start + _ENTRY_BYTES] = _entry(extent, layout.identity.sector_bytes)
    return bytes(entries)


def _entry(extent: Extent, sector: int) -> bytes:
    first = extent.offset // sector
    return struct.pack(
        "<16s16sQQQ72s",
        uuid.UUID(extent.partition.type).bytes_le,
        uuid.UUID(extent.partition.uuid).bytes_le,
        first,
        first + extent.size // sector - 1,
        0,
        extent.partition.plan.partition_name[:_LONGEST_NAME].encode("utf-16-le"),
    )


def _header(disk: uuid.UUID, places: tuple[int, ...], entries_checksum: int) -> bytes:
    """``places`` in sectors: this header, the other one, first and last usable, the entries."""
    *addresses, table = places

    def packed(checksum: int) -> bytes:
        return struct.pack(
            "<8sIIIIQQQQ16sQIII",
            _SIGNATURE,
            _REVISION,
            _HEADER_BYTES,
            checksum,
            0,
            *addresses,
            disk.bytes_le,
            table,
            ENTRIES,
            _ENTRY_BYTES,
            entries_checksum,
        )

    return packed(zlib.crc32(packed(0)))
