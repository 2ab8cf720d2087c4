# SPDX-License-Identifier: Apache-2.0
"""Write a disk: measure the tree of each partition, lay the disk out, write the table and every filesystem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.disk.filesystems.api import FilesystemSpec, Place
from runner.disk.filesystems.registry import filesystem_for
from runner.disk.layout import MEBIBYTE, lay_out
from runner.disk.split import split
from runner.disk.subvolumes import has_quotas, subvolumes
from runner.disk.table import write_table

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.inputs import CreateInputs
    from runner.disk.model import DiskIdentity, DiskLayout, Partition
    from runner.plan.disk import DiskPlan
    from runner.plan.partitions import PartitionPlan
    from runner.process import LineSink

_LEAST_FREE = 64 * MEBIBYTE
_FREE_PART = 4
"""Without a size in the description so much of the root's content stays free; it takes no space in the file."""


def write_disk(
    inputs: CreateInputs,
    plan: DiskPlan,
    identity: DiskIdentity,
    root: Path,
    disk: Path,
    *,
    scratch: Path,
    sink: LineSink | None = None,
) -> DiskLayout:
    """Write the tree at ``root``, which is taken apart, as the new file ``disk`` and return how it is laid out.

    What was mounted below the root is then in ``scratch``, in folders with the names of the partitions.

    Raises:
        BuildError: the disk or a partition is too small, a filesystem cannot be written, or a tool failed.
        HostError: the disk of ``scratch`` or ``disk`` is full.
    """
    filled = tuple(entry for entry in identity.partitions if entry.filesystem_uuid)
    (scratch / "empty").mkdir()
    mountpoints = {entry.plan.name: entry.plan.mountpoint for entry in filled if entry.plan.mountpoint}
    trees = split(root, mountpoints, scratch)
    specs = {entry.plan.name: _spec(inputs, entry, identity.sector_bytes) for entry in filled}
    needs = {}
    for entry in filled:
        name = entry.plan.name
        tree = trees.setdefault(name, scratch / "empty")
        needs[name] = filesystem_for(entry.plan.filesystem).need(specs[name], tree)
        if entry.plan.role == "root" and inputs.type.size is None:
            needs[name] += max(_LEAST_FREE, needs[name] // _FREE_PART)
    layout = lay_out(plan, identity, needs, inputs.type.size)
    with disk.open("xb") as file:
        file.truncate(layout.size)
    write_table(layout, disk)
    for extent in layout.extents:
        name = extent.partition.plan.name
        if name not in specs:
            continue
        work = scratch / f"{name}.work"
        work.mkdir()
        place = Place(disk, extent.offset, extent.size)
        filesystem = filesystem_for(extent.partition.plan.filesystem)
        filesystem.write(specs[name], trees[name], place, scratch=work, sink=sink)
    return layout


def mounted(plan: DiskPlan) -> tuple[PartitionPlan, ...]:
    """Return the partitions of ``plan`` with a filesystem that is mounted below the root."""
    return tuple(entry for entry in plan.partitions if entry.filesystem and entry.mountpoint not in {"", "/"})


def _spec(inputs: CreateInputs, entry: Partition, sector_bytes: int) -> FilesystemSpec:
    is_root, disk = entry.plan.role == "root", inputs.type.disk
    return FilesystemSpec(
        kind=entry.plan.filesystem,
        label=entry.plan.label,
        uuid=entry.filesystem_uuid,
        hash_uuid=inputs.uuid(f"{entry.plan.name} hash seed"),
        epoch=inputs.epoch,
        options=inputs.type.fscreateoptions if is_root else (),
        sector_bytes=sector_bytes,
        subvolumes=subvolumes(disk) if is_root else (),
        quota_groups=is_root and has_quotas(disk),
    )
