# SPDX-License-Identifier: Apache-2.0
"""Put the content of a file into a filesystem: what is zeros becomes a hole, whatever the host made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.disk.btrfs.format import SECTOR
from runner.disk.btrfs.space import MEBIBYTE, DataArea, Extent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

GRANULE = 16 * SECTOR
"""A hole is at least so large: smaller ones save little and tear the file apart."""

_ZEROS = bytes(GRANULE)

Piece = tuple[int, Extent]
"""An extent with its place in the file; at address 0 it is a hole."""


def store(stream: BinaryIO, area: DataArea, *, checked: bool) -> tuple[Piece, ...]:
    """Write what ``stream`` holds into ``area`` and return the pieces of the file, without a gap.

    Raises:
        BuildError: the device is full.
    """
    found: list[Piece] = []
    for offset, data in _runs(stream):
        if data is None:
            _append(found, offset, Extent(0, GRANULE), area)
            continue
        at = offset
        for extent in area.write(data, checked=checked):
            _append(found, at, extent, area)
            at += extent.size
    return tuple(found)


def _runs(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Yield runs of data with their offset, and None for each granule of zeros."""
    offset = 0
    while buffer := stream.read(MEBIBYTE):
        start = 0
        for at in range(0, len(buffer), GRANULE):
            granule = buffer[at : at + GRANULE]
            if granule == _ZEROS:
                if start < at:
                    yield offset + start, buffer[start:at]
                yield offset + at, None
                start = at + GRANULE
        if start < len(buffer):
            yield offset + start, buffer[start:]
        offset += len(buffer)


def _append(found: list[Piece], offset: int, extent: Extent, area: DataArea) -> None:
    if found:
        at, last = found[-1]
        holes = not last.address and not extent.address
        if holes or (last.address and extent.address and area.joins(last, extent)):
            found[-1] = (at, Extent(last.address, last.size + extent.size))
            return
    found.append((offset, extent))
