# SPDX-License-Identifier: Apache-2.0
"""Where every partition lies, from what its content needs: pure arithmetic, nothing is read or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.disk.identity import has_extended
from runner.disk.model import DiskLayout, Extent
from runner.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.disk.model import DiskIdentity, Partition
    from runner.plan.disk import DiskPlan
    from runner.plan.model import SizePlan

MEBIBYTE = 1 << 20
_SHOWN = 4
_SIZES = {
    "boot": 'bootpartsize="{}"',
    "efi": 'efipartsize="{}"',
    "root": "<oem-systemsize>{}</oem-systemsize>",
    "spare": 'spare_part="{}"',
}
"""What in the description gives the disk's own partitions their size, in MiB."""


def lay_out(plan: DiskPlan, identity: DiskIdentity, needs: Mapping[str, int], size: SizePlan | None) -> DiskLayout:
    """Place the partitions of ``identity`` one behind the other, each beginning and ending at a whole mebibyte.

    Args:
        plan: the disk as planned.
        identity: its partitions, in the order they lie.
        needs: bytes that the content of each partition needs, by name; partitions with a size need not be there.
        size: ``<size>`` of the description; without one the disk is as small as its content allows.

    Raises:
        BuildError: a partition or the disk is too small; tells by how much and what takes the space.
    """
    sizes = {entry.plan.name: _size(entry, needs) for entry in identity.partitions}
    first = _aligned(plan.first_sector * plan.sector_bytes)
    gaps = _extended_gaps(plan, identity)
    tail = MEBIBYTE if plan.table == "gpt" else 0
    least = first + sum(sizes.values()) + sum(gaps.values()) + tail
    whole, unpartitioned = _whole(size, least)
    if whole - unpartitioned < least:
        raise _too_small(whole, least + unpartitioned, sizes)
    growing = _growing(identity)
    if growing is not None:
        sizes[growing] += whole - unpartitioned - least
    extents, place = [], first
    for entry in identity.partitions:
        place += gaps.get(entry.plan.name, 0)
        extents.append(Extent(partition=entry, offset=place, size=sizes[entry.plan.name]))
        place += sizes[entry.plan.name]
    return DiskLayout(identity=identity, size=whole, extents=tuple(extents))


def _size(entry: Partition, needs: Mapping[str, int]) -> int:
    need = needs.get(entry.plan.name, 0)
    if entry.plan.size_mib is None:
        return max(_aligned(need), MEBIBYTE)
    size = entry.plan.size_mib * MEBIBYTE
    if size < need:
        raise BuildError(
            f"the partition {entry.plan.name} is too small: {_mib(need - size)} are missing",
            why=f"it has {_mib(size)}, and its content needs {_mib(need)}",
            hint=larger(entry.plan.name, need),
        )
    return size


def larger(name: str, need: int) -> str:
    """Return how the description gives the partition ``name`` the size of ``need`` bytes."""
    said = _SIZES.get(name, f'<partition name="{name}" size="{{}}">').format(-(-need // MEBIBYTE))
    return f"say {said} or more, or leave something out"


def _whole(size: SizePlan | None, least: int) -> tuple[int, int]:
    """Return the size of the disk, and how much of its end stays outside of the table."""
    if size is None:
        return least, 0
    unpartitioned = size.unpartitioned_mib * MEBIBYTE
    asked = size.mebibytes * MEBIBYTE
    return (least + asked + unpartitioned if size.additive else asked), unpartitioned


def _growing(identity: DiskIdentity) -> str | None:
    """The root takes what is left, unless it has a size of its own."""
    root = identity.role("root")
    return root.plan.name if root is not None and root.plan.size_mib is None else None


def _extended_gaps(plan: DiskPlan, identity: DiskIdentity) -> dict[str, int]:
    """Before each logical partition of an MBR lies a table of its own."""
    if not has_extended(plan):
        return {}
    return {entry.plan.name: MEBIBYTE for entry in identity.partitions if entry.number > 4}  # noqa: PLR2004


def _too_small(whole: int, least: int, sizes: Mapping[str, int]) -> BuildError:
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:_SHOWN]
    return BuildError(
        f"the disk is too small: {_mib(least - whole)} are missing",
        why=f"<size> says {_mib(whole)}, and {_mib(least)} are needed: "
        + ", ".join(f"{name} {_mib(size)}" for name, size in largest),
        hint=f"make <size> {_mib(least)} or more, or leave it out",
    )


def _aligned(size: int) -> int:
    return -(-size // MEBIBYTE) * MEBIBYTE


def _mib(size: int) -> str:
    return f"{-(-size // MEBIBYTE)} MiB"
