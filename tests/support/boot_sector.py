# SPDX-License-Identifier: Apache-2.0
"""The smallest disk that boots: one sector that writes a text to the first serial port and halts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_CODE = bytes.fromhex(
    "31c0 8ed8"  # xor ax,ax; mov ds,ax
    "be 227c"  # mov si, text
    "ac"  # next: lodsb
    "84c0 74 12"  # test al,al; jz halt
    "88c3"  # mov bl,al
    "ba fd03"  # mov dx,0x3fd
    "ec"  # wait: in al,dx
    "a8 20 74 fb"  # test al,0x20; jz wait
    "88d8"  # mov al,bl
    "ba f803 ee"  # mov dx,0x3f8; out dx,al
    "eb e9"  # jmp next
    "f4 eb fd"  # halt: hlt; jmp halt
)
_TEXT_AT = 0x22
_DISK_BYTES = 1 << 20


def write_boot_sector(path: Path, text: bytes, *, size: int = _DISK_BYTES) -> Path:
    """Write a disk of ``size`` bytes that says ``text``, at most 470 bytes."""

    assert len(_CODE) <= _TEXT_AT
    sector = _CODE.ljust(_TEXT_AT, b"\0") + text + b"\0"
    assert len(sector) <= 510
    path.write_bytes(sector.ljust(510, b"\0") + b"\x55\xaa")
    with path.open("r+b") as file:
        file.truncate(size)
    return path
