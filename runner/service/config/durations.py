# SPDX-License-Identifier: Apache-2.0
"""Durations as people write them: ``90s``, ``5m``, ``1.5h``, ``30d``, or a number of seconds."""

from __future__ import annotations

import re
from decimal import Decimal

PATTERN = r"[0-9]{1,10}(?:\.[0-9]{1,20})?[smhd]?"
_DURATION = re.compile(r"(?P<number>[0-9.]+)(?P<unit>[smhd]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> float:
    """Return the seconds that ``text`` means.

    Raises:
        ValueError: it is no duration.
    """
    match = _DURATION.fullmatch(text) if re.fullmatch(PATTERN, text, re.ASCII) else None
    if match is None:
        raise ValueError("must be a duration such as 90s, 5m, 1.5h, 30d or a number of seconds")
    return float(Decimal(match["number"]) * _SECONDS[match["unit"]])


def duration_text(value: float) -> str:
    """Write ``value`` seconds in the largest unit that makes a whole number, so that :func:`seconds` reads it."""
    for unit in ("d", "h", "m"):
        if value and value % _SECONDS[unit] == 0:
            return f"{value / _SECONDS[unit]:.0f}{unit}"
    return f"{Decimal(repr(value)).normalize():f}s"
