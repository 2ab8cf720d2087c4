# SPDX-License-Identifier: Apache-2.0
"""A planned disk as people read it: how it starts, and which partitions it will have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.disk.subvolumes import subvolumes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.disk.subvolumes import Subvolume
    from runner.plan.disk import DiskPlan
    from runner.plan.model import TypePlan
    from runner.plan.partitions import PartitionPlan

_USUAL_SECTOR = 512
_GROWS = "the rest"
_FITS = "as its content"


def disk_facts(plan: TypePlan) -> Iterator[tuple[str, str]]:
    """Yield labels and values; nothing for types that are no disk."""
    if plan.disk is None:
        return
    sectors = f", sectors of {plan.disk.sector_bytes} bytes" if plan.disk.sector_bytes != _USUAL_SECTOR else ""
    form = plan.disk_format.name if plan.disk_format else ""
    yield "disk", f"{plan.disk.table} table{sectors}, {_size(plan)}, as {form or 'raw'}"
    if plan.boot is not None:
        loader = f" with {plan.boot.loader.name}" if plan.boot.loader else ""
        yield "starts", f"from {plan.boot.firmware}{loader}"
        if plan.boot.cmdline:
            yield "kernel", plan.boot.cmdline


def partition_rows(disk: DiskPlan | None) -> list[tuple[str, ...]]:
    """Return a row for each partition, in the order they lie."""
    return [_row(entry) for entry in disk.partitions] if disk else []


def subvolume_rows(disk: DiskPlan | None) -> list[tuple[str, ...]]:
    """Return a row for each subvolume of the root."""
    return [_subvolume(entry) for entry in subvolumes(disk) if entry.path]


def _subvolume(entry: Subvolume) -> tuple[str, ...]:
    notes = {
        "default": entry.is_default,
        "read-only": entry.read_only,
        "no copy on write": not entry.copy_on_write,
        f"at most {(entry.quota_bytes or 0) >> 20} MiB": entry.quota_bytes is not None,
    }
    return entry.path, entry.mountpoint, ", ".join(note for note, said in notes.items() if said)


def _size(plan: TypePlan) -> str:
    if plan.size is None:
        return "as large as its content"
    return f"{plan.size.mebibytes} MiB{' more than its content' if plan.size.additive else ''}"


def _row(entry: PartitionPlan) -> tuple[str, ...]:
    usual = _GROWS if entry.role == "root" else _FITS
    size = f"{entry.size_mib} MiB" if entry.size_mib is not None else usual
    role = entry.role if entry.role != "custom" else entry.name
    return role, size, entry.filesystem or entry.content, entry.label, entry.mountpoint
