# SPDX-License-Identifier: Apache-2.0
"""Add sections to an EFI program, which is a Portable Executable.

Our own, because the libraries at hand read such files well and cannot add to them without their private parts
being used; objcopy needs addresses for every section, and its version decides about the bytes. Offsets are those
of Microsoft's "PE Format".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from runner.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SIGNATURE_AT, _SIGNATURE = 0x3C, b"PE\0\0"
_COFF = struct.Struct("<4sHHIIIHH")
_SECTIONS_AT = 6
_OPTIONAL_AT = 24
_INITIALIZED_DATA, _ALIGNMENTS, _IMAGE_SIZE, _HEADERS_SIZE, _CHECKSUM = 8, 32, 56, 60, 64
"""Offsets in the optional header, the same in PE32 and PE32+."""

_HEADER = struct.Struct("<8sIIIIIIHHI")
_PAGE = 4096
CODE, DATA = 0x40000020, 0x40000040
"""Readable code, and readable initialised data."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section to add. ``room`` bytes of memory, at least those of ``data``, are kept for it."""

    name: str
    data: bytes
    kind: int = DATA
    room: int = 0


@dataclass(frozen=True, slots=True)
class _Headers:
    """Where the headers of a program lie, and what counts here of what they say."""

    at: int
    optional: int
    table: int
    sections: int

    @classmethod
    def read(cls, program: bytes | bytearray) -> Self:
        try:
            (at,) = struct.unpack_from("<I", program, _SIGNATURE_AT)
            signature, _, sections, _, _, _, optional_size, _ = _COFF.unpack_from(program, at)
        except struct.error as error:
            raise _no_program() from error
        if signature != _SIGNATURE:
            raise _no_program()
        optional = at + _OPTIONAL_AT
        return cls(at, optional, optional + optional_size, sections)


def _no_program() -> BuildError:
    return BuildError("this is no EFI program", why="it is no Portable Executable")


def image_size(program: bytes) -> int:
    """Return the bytes of memory that ``program`` takes when it is loaded.

    Raises:
        BuildError: it is no Portable Executable.
    """
    return _number(program, _Headers.read(program).optional + _IMAGE_SIZE)


def with_sections(program: bytes, sections: Iterable[Section]) -> bytes:
    """Return ``program`` with ``sections`` behind its own.

    Raises:
        BuildError: it is no Portable Executable, or its header has no room for so many.
    """
    headers, made = _Headers.read(program), bytearray(program)
    section_alignment, file_alignment = struct.unpack_from("<II", made, headers.optional + _ALIGNMENTS)
    alignment = max(section_alignment, _PAGE)
    end, count, added = _end(made, headers), headers.sections, 0
    for section in sections:
        address, data_at = _up(end, alignment), _up(len(made), file_alignment)
        room, size = max(section.room, len(section.data)), _up(len(section.data), file_alignment)
        place = headers.table + count * _HEADER.size
        if place + _HEADER.size > _number(made, headers.optional + _HEADERS_SIZE):
            raise BuildError(f"the EFI program's header has no room for the section {section.name}")
        _HEADER.pack_into(
            made, place, section.name.encode(), room, address, size, data_at, 0, 0, 0, 0, section.kind
        )
        made += bytes(data_at - len(made)) + section.data.ljust(size, b"\0")
        end, count, added = address + room, count + 1, added + (size if section.kind == DATA else 0)
    struct.pack_into("<H", made, headers.at + _SECTIONS_AT, count)
    data = _number(made, headers.optional + _INITIALIZED_DATA) + added
    for offset, value in ((_INITIALIZED_DATA, data), (_IMAGE_SIZE, _up(end, section_alignment)), (_CHECKSUM, 0)):
        struct.pack_into("<I", made, headers.optional + offset, value)
    return bytes(made)


def _end(program: bytearray, headers: _Headers) -> int:
    """Return the first address behind all sections there are."""
    table = (headers.table + number * _HEADER.size for number in range(headers.sections))
    entries = (_HEADER.unpack_from(program, place) for place in table)
    return max((address + max(room, size) for _, room, address, size, *_ in entries), default=0)


def _number(program: bytes | bytearray, at: int) -> int:
    (value,) = struct.unpack_from("<I", program, at)
    return int(value)


def _up(value: int, step: int) -> int:
    return -(-value // step) * step
