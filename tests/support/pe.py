# SPDX-License-Identifier: Apache-2.0
"""The smallest EFI program: headers, and one section of code."""

from __future__ import annotations

import struct

CODE = b"\xc3".ljust(512, b"\x90")
"""Returns at once."""

_PE_AT, _OPTIONAL_SIZE, _FILE_ALIGNMENT = 64, 240, 512
HEADERS_SIZE = 1024


def efi_program(*, headers_size: int = HEADERS_SIZE, memory: int = 0x2000) -> bytes:
    """Return a program that takes ``memory`` bytes, with headers of ``headers_size`` bytes."""
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, 1, 0, 0, 0, _OPTIONAL_SIZE, 0x206)
    optional = struct.pack(
        "<HBBIIIIIQIIHHHHHHIIIIHHQQQQII",
        *(0x20B, 2, 40, 512, 0, 0, 0x1000, 0x1000, 0, 0x1000, _FILE_ALIGNMENT, 0, 0, 0, 0, 0, 0, 0),
        *(memory, headers_size, 0xBAD, 10, 0, 0, 0, 0, 0, 0, 16),
    )
    section = struct.pack("<8sIIIIIIHHI", b".text", 512, 0x1000, 512, headers_size, 0, 0, 0, 0, 0x60000020)
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", _PE_AT)
    return (dos + coff + optional.ljust(_OPTIONAL_SIZE, b"\0") + section).ljust(headers_size, b"\0") + CODE
