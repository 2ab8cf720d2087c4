# SPDX-License-Identifier: Apache-2.0
"""CRC-32C (Castagnoli), the checksum of VHDX: reflected, polynomial 0x1EDC6F41 (RFC 3720, 12.1)."""

from __future__ import annotations

_POLYNOMIAL = 0x82F63B78
"""Reversed, as reflected arithmetic needs it."""


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE = tuple(_entry(value) for value in range(256))


def crc32c(data: bytes) -> int:
    """Return the checksum of ``data``. For headers: byte by byte it is slow."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF
