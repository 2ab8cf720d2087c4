# SPDX-License-Identifier: Apache-2.0
"""Give a VHDX the identity that we want ([MS-VHDX], "Virtual Hard Disk v2 (VHDX) File Format").

qemu-img makes up the identifiers of file, data and disk, and where the headers' sequence numbers begin; and it
leaves old entries in the log. The log of a closed file counts nothing, so it is emptied.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import google_crc32c

from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_SIGNATURE = b"vhdxfile"
_HEADER_OFFSETS, _HEADER_BYTES = (0x10000, 0x20000), 4096
_HEADER = struct.Struct("<4sIQ16s16s16sHHIQ")
_REGIONS_OFFSET = 0x30000
_TABLE, _REGION, _ITEM = struct.Struct("<4sIII"), struct.Struct("<16sQII"), struct.Struct("<16sIIII")
_METADATA_HEAD = struct.Struct("<8sHH20x")
_METADATA_REGION = UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
_DISK_ITEM = UUID("beca12ab-b2e6-4523-93ef-c309e000c746")
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Identity:
    """The identifiers of a VHDX: of the file and of the data as last written, and of the disk."""

    file: UUID
    data: UUID
    disk: UUID


def identify(path: Path, identity: Identity) -> None:
    """Put ``identity`` into the VHDX at ``path``.

    Raises:
        BuildError: it is no VHDX, or its log holds what is not written yet.
    """
    with path.open("r+b") as file:
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            raise BuildError(f"{path.name} is no VHDX", why="its signature is missing")
        _write_headers(file, path.name, identity)
        file.seek(_disk_offset(file, path.name))
        file.write(identity.disk.bytes_le)


def _write_headers(file: BinaryIO, name: str, identity: Identity) -> None:
    """Write both headers: the older is number 1, the other 2."""
    headers = {offset: _read(file, offset, _HEADER_BYTES) for offset in _HEADER_OFFSETS}
    by_age = sorted(headers, key=lambda offset: _HEADER.unpack_from(headers[offset])[2])
    for sequence, offset in enumerate(by_age, 1):
        fields = _HEADER.unpack_from(headers[offset])
        log, (log_bytes, log_offset) = fields[5], fields[8:]
        if fields[0] != b"head" or any(log):
            raise BuildError(f"{name} was not closed", why="its log has to be written into the disk first")
        _clear(file, log_offset, log_bytes)
        new = (sequence, identity.file.bytes_le, identity.data.bytes_le, *fields[5:])
        plain = _HEADER.pack(fields[0], 0, *new).ljust(_HEADER_BYTES, b"\0")
        file.seek(offset)
        file.write(_HEADER.pack(fields[0], google_crc32c.value(plain), *new))


def _clear(file: BinaryIO, offset: int, length: int) -> None:
    file.seek(offset)
    file.writelines(bytes(min(_MEBIBYTE, length - start)) for start in range(0, length, _MEBIBYTE))


def _disk_offset(file: BinaryIO, name: str) -> int:
    """Return where the disk's identifier stands: an item of the metadata, which is a region of the file."""
    _, _, regions, _ = _TABLE.unpack(_read(file, _REGIONS_OFFSET, _TABLE.size))
    place = _REGIONS_OFFSET + _TABLE.size
    for number in range(regions):
        kind, start, _, _ = _REGION.unpack(_read(file, place + number * _REGION.size, _REGION.size))
        if kind == _METADATA_REGION.bytes_le:
            return int(start) + _item(file, start, name)
    raise BuildError(f"{name} has no metadata")


def _item(file: BinaryIO, start: int, name: str) -> int:
    _, _, items = _METADATA_HEAD.unpack(_read(file, start, _METADATA_HEAD.size))
    place = start + _METADATA_HEAD.size
    for number in range(items):
        kind, offset, *_ = _ITEM.unpack(_read(file, place + number * _ITEM.size, _ITEM.size))
        if kind == _DISK_ITEM.bytes_le:
            return int(offset)
    raise BuildError(f"{name} has no identifier of its disk")


def _read(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length).ljust(length, b"\0")
