# SPDX-License-Identifier: Apache-2.0
"""A disk as it will be written: first who its partitions are, then where each of them lies."""

from __future__ import annotations

import msgspec

from runner.plan.disk import Table
from runner.plan.partitions import PartitionPlan


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """A partition by all its names, known before anything is measured.

    Attributes:
        number: in the table, from 1.
        type: GUID of a GPT, or two hexadecimal digits of an MBR.
        uuid: what ``PARTUUID=`` says: the GPT's own GUID, or ``<disk identifier>-<number>`` of an MBR.
        filesystem_uuid: what ``UUID=`` says, as the filesystem's tools write it (FAT: ``XXXX-XXXX``); empty
            without a filesystem.
    """

    plan: PartitionPlan
    number: int
    type: str
    uuid: str
    filesystem_uuid: str = ""


class DiskIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """All names of a disk. ``identifier`` is the GPT's disk GUID or the MBR's eight hexadecimal digits."""

    table: Table
    sector_bytes: int
    identifier: str
    partitions: tuple[Partition, ...]

    def role(self, role: str) -> Partition | None:
        """Return the first partition that is there for ``role``."""
        return next((entry for entry in self.partitions if entry.plan.role == role), None)


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """Where a partition lies, in bytes from the start of the disk."""

    partition: Partition
    offset: int
    size: int


class DiskLayout(msgspec.Struct, frozen=True, kw_only=True):
    """A whole disk of ``size`` bytes; ``extents`` in the order they lie on it."""

    identity: DiskIdentity
    size: int
    extents: tuple[Extent, ...]

    def role(self, role: str) -> Extent | None:
        """Return where the first partition for ``role`` lies."""
        return next((entry for entry in self.extents if entry.partition.plan.role == role), None)
