# SPDX-License-Identifier: Apache-2.0
"""Sizes as people write them: ``700M``, ``4G``, or a number of bytes."""

from __future__ import annotations

import re

_SIZE = re.compile(r"(?P<number>[0-9]{1,18})(?P<unit>[kmgt]?)", re.IGNORECASE | re.ASCII)
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024
_MINUS = "\N{MINUS SIGN}"


def byte_size(text: str) -> int:
    """Return the bytes that ``text`` means; units are powers of 1024.

    Raises:
        ValueError: it is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size such as 700M, 4G or a number of bytes")
    return int(match["number"]) * _BYTES[match["unit"].lower()]


def size_text(size: int) -> str:
    """Write ``size`` bytes in the largest unit that makes a whole number, so that :func:`byte_size` reads it."""
    for unit in ("T", "G", "M", "K"):
        count, rest = divmod(size, _BYTES[unit.lower()])
        if count and not rest:
            return f"{count}{unit}"
    return str(size)


def rough_size(number: float) -> str:
    """Write a number of bytes in a unit that makes it short, for people."""
    value, step = float(number), 0
    while abs(value) >= _STEP and step < len(_UNITS) - 1:
        value, step = value / _STEP, step + 1
    return f"{value:.1f} {_UNITS[step]}" if step else f"{value:.0f} B"


def signed_size(number: float) -> str:
    """Write a difference of sizes, for people."""
    return f"+{rough_size(number)}" if number > 0 else rough_size(number).replace("-", _MINUS)
