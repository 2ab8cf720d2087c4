# SPDX-License-Identifier: Apache-2.0
"""Sizes as descriptions write them, in mebibytes, and the least that filesystems have."""

from __future__ import annotations

_MEBIBYTES = {"": 1, "M": 1, "G": 1024}

FAT_CLUSTERS = {"fat16": (4085, 65524), "fat32": (65525, (1 << 28) - 11)}
"""Fewest and most clusters: by their number alone readers tell the kinds of FAT apart (FAT specification 1.03)."""

_LEAST_MIB = {"btrfs": 98, "xfs": 300}
"""Nobody makes any that are smaller: mkfs.xfs, and we a btrfs, which has all but its data twice."""


def mebibytes(text: str) -> int | None:
    """Return ``N``, ``NM`` or ``NG`` in MiB; None for an empty text. The schema has refused anything else."""
    if not text:
        return None
    return int(text.rstrip("MG")) * _MEBIBYTES[text[-1] if text[-1] in _MEBIBYTES else ""]


def in_unit(value: int, unit: str) -> int:
    """Return ``value`` of ``unit`` (``M``, ``G``, or empty for M) in MiB."""
    return value * _MEBIBYTES[unit]


def least_mib(filesystem: str, sector_bytes: int) -> int:
    """Return what the smallest ``filesystem`` on a disk with such sectors takes, in MiB; 0: any size will do."""
    if filesystem in FAT_CLUSTERS:
        clusters, _ = FAT_CLUSTERS[filesystem]
        return -(-clusters * sector_bytes // (1 << 20)) + 1  # and the tables
    return _LEAST_MIB.get(filesystem, 0)
