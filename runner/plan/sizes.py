# SPDX-License-Identifier: Apache-2.0
"""Sizes as descriptions write them, in mebibytes."""

from __future__ import annotations

_MEBIBYTES = {"": 1, "M": 1, "G": 1024}


def mebibytes(text: str) -> int | None:
    """Return ``N``, ``NM`` or ``NG`` in MiB; None for an empty text. The schema has refused anything else."""
    if not text:
        return None
    return int(text.rstrip("MG")) * _MEBIBYTES[text[-1] if text[-1] in _MEBIBYTES else ""]


def in_unit(value: int, unit: str) -> int:
    """Return ``value`` of ``unit`` (``M``, ``G``, or empty for M) in MiB."""
    return value * _MEBIBYTES[unit]
