# SPDX-License-Identifier: Apache-2.0
"""Which part of the device is what: chunks, and the data that is written into them as it comes.

An address is the place on the device of the first copy. Copies of the superblock lie where they lie, so no chunk
covers these places.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.disk.btrfs.format import DATA, DUP, SECTOR, SYSTEM, crc
from runner.disk.filesystems.ext_size import too_small

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from runner.disk.filesystems.api import Place

MEBIBYTE, GIBIBYTE = 1 << 20, 1 << 30
SUPERBLOCKS = (64 << 10, 64 << 20, 256 << 30)
_SYSTEM_SIZE = 8 * MEBIBYTE
_LARGEST_EXTENT = 128 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Chunk:
    """A range of addresses; ``copies`` are its places on the device, the first ``used`` bytes are in use."""

    address: int
    length: int
    flags: int
    copies: tuple[int, ...]
    used: int = 0


def doubled(start: int, length: int, flags: int) -> Chunk:
    """Return a chunk with two copies, the first of which begins at ``start`` or behind it."""
    first = _clear(start, length)
    return Chunk(first, length, flags | DUP, (first, _clear(first + length, length)))


def system() -> Chunk:
    """Return the chunk of the chunk tree, the first on the device."""
    return doubled(MEBIBYTE, _SYSTEM_SIZE, SYSTEM)


def _clear(start: int, length: int) -> int:
    """Return the first place from ``start`` on where ``length`` bytes meet no superblock."""
    for superblock in SUPERBLOCKS:
        if start <= superblock < start + length:
            start = superblock + MEBIBYTE
    return start


@dataclass(frozen=True, slots=True)
class Extent:
    """A piece of content: where it is, and how many bytes it has, whole sectors."""

    address: int
    size: int


class DataArea:
    """Takes content piece by piece and writes it one behind the other, with checksums if asked."""

    def __init__(self, device: BinaryIO, place: Place, start: int) -> None:
        self._device, self._place = device, place
        self._chunks = [self._opened(start)]
        self._sums: list[tuple[int, bytearray]] = []

    def write(self, data: bytes, *, checked: bool = True) -> Iterator[Extent]:
        """Write ``data``, filled up with zeros to whole sectors, and yield where it is.

        Raises:
            BuildError: the device is full; the error says how large it should at least be.
        """
        data = data.ljust(-(-len(data) // SECTOR) * SECTOR, b"\0")
        while data:
            address, room = self._room()
            piece, data = data[:room], data[room:]
            if address + len(piece) > self._place.size:
                raise too_small(self._place.size, address + len(piece) + len(data))
            self._device.seek(self._place.offset + address)
            self._device.write(piece)
            self._chunks[-1] = replace(self._chunks[-1], used=self._chunks[-1].used + len(piece))
            if checked:
                self._check(address, piece)
            yield Extent(address, len(piece))

    def joins(self, before: Extent, after: Extent) -> bool:
        """Tell whether two pieces may be one extent: side by side in one chunk, and not too large."""
        beside = before.address + before.size == after.address
        same_chunk = all(chunk.address != after.address for chunk in self._chunks)
        return beside and same_chunk and before.size + after.size <= _LARGEST_EXTENT

    def sums(self) -> Iterator[tuple[int, bytes]]:
        """Yield runs of checksums with the address that each begins at."""
        for address, sums in self._sums:
            yield address, bytes(sums)

    def chunks(self) -> tuple[Chunk, ...]:
        """Return the chunks with content, the last cut to what it holds, in whole mebibytes."""
        *full, last = self._chunks
        cut = replace(last, length=-(-last.used // MEBIBYTE) * MEBIBYTE)
        return (*full, *((cut,) if last.used else ()))

    def _room(self) -> tuple[int, int]:
        chunk = self._chunks[-1]
        if chunk.used == chunk.length:
            chunk = self._opened(chunk.address + chunk.length)
            self._chunks.append(chunk)
        return chunk.address + chunk.used, chunk.length - chunk.used

    @staticmethod
    def _opened(start: int) -> Chunk:
        """A chunk has a gibibyte, as the kernel's have, or what is left up to a superblock."""
        start = _clear(start, SECTOR)
        end = min([start + GIBIBYTE, *(place for place in SUPERBLOCKS if place > start)])
        return Chunk(start, end - start, DATA, (start,))

    def _check(self, address: int, data: bytes) -> None:
        sums = b"".join(crc(data[at : at + SECTOR]) for at in range(0, len(data), SECTOR))
        if self._sums and self._sums[-1][0] + len(self._sums[-1][1]) // 4 * SECTOR == address:
            self._sums[-1][1].extend(sums)
        else:
            self._sums.append((address, bytearray(sums)))
