# SPDX-License-Identifier: Apache-2.0
"""Write GRUB's boot code for a BIOS into a finished disk, as grub-bios-setup does, without a device.

The BIOS loads the disk's first sector (``boot.img``), which loads the first sector of the core, which loads the
rest of it by a list of blocks. Offsets are those of ``include/grub/i386/pc/boot.h`` and ``offsets.h`` of GRUB 2.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from runner.disk.model import DiskLayout

_SECTOR = 512
_CODE_END = 440
"""Behind it lie the disk's identifier and the partition table."""

_KERNEL_SECTOR = 0x5C
_DRIVE_CHECK = 0x66
_NO_DRIVE_CHECK = b"\x90\x90"
"""Do what hard disks need: trust the drive number that the BIOS gives."""

_REST_SEGMENT = 0x820
"""Where the core's second sector is loaded, in paragraphs of 16 bytes."""

_BLOCK = struct.Struct("<QHH")
"""First sector, number of sectors, segment."""


def embed(layout: DiskLayout, disk: Path, *, boot: bytes, core: bytes) -> None:
    """Write boot code into ``disk``: ``boot`` (``boot.img``) at its start, ``core`` where nothing else lies.

    Raises:
        BuildError: the core does not fit before the first partition or into the partition for it, or the disk's
            sectors are not of 512 bytes, which no BIOS starts from.
    """
    if layout.identity.sector_bytes != _SECTOR:
        raise BuildError("a BIOS cannot start from a disk with 4096-byte sectors", hint='use firmware="efi"')
    place = _place(layout, len(core))
    with disk.open("r+b") as file:
        file.write(first_sector(boot, place // _SECTOR))
        file.seek(place)
        file.write(with_blocks(core, place // _SECTOR))


def first_sector(boot: bytes, core_sector: int) -> bytes:
    """Return the code of the disk's first sector that loads the core from sector ``core_sector``."""
    code = bytearray(boot[:_CODE_END])
    struct.pack_into("<Q", code, _KERNEL_SECTOR, core_sector)
    code[_DRIVE_CHECK : _DRIVE_CHECK + len(_NO_DRIVE_CHECK)] = _NO_DRIVE_CHECK
    return bytes(code)


def with_blocks(core: bytes, sector: int) -> bytes:
    """Return ``core``, padded to whole sectors, that lies at ``sector`` and knows where the rest of it is."""
    sectors = -(-len(core) // _SECTOR)
    code = bytearray(core.ljust(sectors * _SECTOR, b"\0"))
    _BLOCK.pack_into(code, _SECTOR - _BLOCK.size, sector + 1, sectors - 1, _REST_SEGMENT)
    return bytes(code)


def _place(layout: DiskLayout, size: int) -> int:
    """Return the offset of the core: in the partition for boot code, or right behind the first sector."""
    if layout.identity.table == "gpt":
        own = layout.role("bios_grub")
        if own is None:
            raise BuildError(
                "the disk has no partition for the boot code of a BIOS", hint='leave eficsm="false" away'
            )
        start, room = own.offset, own.size
    else:
        start = _SECTOR
        room = min(extent.offset for extent in layout.extents) - start
    if size > room:
        raise BuildError(f"GRUB's core has {size} bytes, and there is room for {room} before the first partition")
    return start
