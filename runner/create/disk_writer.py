# SPDX-License-Identifier: Apache-2.0
"""Write a disk: divide the tree among the partitions, measure, lay the disk out, write table and contents.

What is in a partition is written at its place. A root under dm-verity is finished before, in a file of its own:
its hash has to be known for what is written into the other partitions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner.disk import verity
from runner.disk.filesystems.api import FilesystemSpec, Place
from runner.disk.filesystems.placing import copy_into
from runner.disk.filesystems.registry import filesystem_for
from runner.disk.layout import MEBIBYTE, lay_out
from runner.disk.split import PartedTree, split
from runner.disk.subvolumes import has_quotas, subvolumes
from runner.disk.table import write_table
from runner.errors import BuildError
from runner.plan.protection import READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.create.inputs import CreateInputs
    from runner.disk.model import DiskIdentity, DiskLayout, Partition
    from runner.plan.disk import DiskPlan
    from runner.process import LineSink
    from runner.seed import Seed

_LEAST_FREE = 64 * MEBIBYTE
_FREE_PART = 4
"""Without a size in the description so much of the root's content stays free; it takes no space in the file."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into the partitions of a disk, by the partitions' names.

    Attributes:
        identity: who the partitions are.
        specs: the filesystems to make, from ``trees``.
        scratch: folder for what is made on the way; partitions have names of their own in folders below.
        images: contents that are finished, in files of their own.
        sink: takes what tools say.
    """

    identity: DiskIdentity
    specs: Mapping[str, FilesystemSpec]
    trees: Mapping[str, Path]
    scratch: Path
    images: Mapping[str, Path] = field(default_factory=dict)
    sink: LineSink | None = None

    @property
    def tree(self) -> PartedTree:
        """The whole tree, wherever its parts are now."""
        points = {entry.plan.name: entry.plan.mountpoint for entry in self.identity.partitions}
        return PartedTree({points[name]: tree for name, tree in self.trees.items() if points[name]})

    def need(self, name: str) -> int:
        """Return the bytes that the content of a partition takes at least; 0 where there is none."""
        if name in self.images:
            return self.images[name].stat().st_size
        if name not in self.specs:
            return 0
        spec = self.specs[name]
        return filesystem_for(spec.kind).need(spec, self.trees[name], self._work(name))

    def write(self, name: str, place: Place) -> None:
        """Write the content of a partition to where it belongs.

        Raises:
            BuildError: it does not fit, or a tool failed.
        """
        if name in self.images:
            copy_into(self.images[name], place)
        elif name in self.specs:
            spec = self.specs[name]
            filesystem_for(spec.kind).write(
                spec, self.trees[name], place, scratch=self._work(name), sink=self.sink
            )

    def _work(self, name: str) -> Path:
        folder = self.scratch / "work" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def take_apart(
    inputs: CreateInputs, identity: DiskIdentity, root: Path, scratch: Path, *, sink: LineSink | None = None
) -> Contents:
    """Divide the tree at ``root``, which is taken apart, among the partitions; ``scratch`` is an empty folder.

    Raises:
        BuildError: a mountpoint is no folder of the tree.
        HostError: the disk of ``scratch`` is full.
    """
    filled = [entry for entry in identity.partitions if entry.filesystem_uuid]
    empty, below = scratch / "empty", scratch / "trees"
    for folder in (empty, below):
        folder.mkdir()
    mountpoints = {entry.plan.name: entry.plan.mountpoint for entry in filled if entry.plan.mountpoint}
    trees = dict.fromkeys((entry.plan.name for entry in filled), empty)
    trees |= split(root, mountpoints, below)
    specs = {entry.plan.name: _spec(inputs, entry, identity.sector_bytes) for entry in filled}
    return Contents(identity, specs, trees, scratch, sink=sink)


def seal(contents: Contents, seed: Seed) -> tuple[Contents, str]:
    """Finish the root's filesystem and the hashes over it.

    Returns:
        the contents with both finished, named so that they are found, and the root hash.

    Raises:
        BuildError: the disk has no root partition or none for the hashes, or a tool failed.
    """
    root, beside = contents.identity.role("root"), contents.identity.role("verity")
    if root is None or beside is None:
        raise BuildError("the disk has no root partition, or none for its hashes")
    name, folder = root.plan.name, contents.scratch / "images"
    folder.mkdir()
    image, hashes = folder / "root", folder / "hashes"
    size = max(contents.need(name), (root.plan.size_mib or 0) * MEBIBYTE)
    with image.open("xb") as file:
        file.truncate(size)
    contents.write(name, Place(image, 0, size))
    root_hash = verity.hash_tree(image, hashes, seed=seed, sink=contents.sink)
    identity = verity.named_by(contents.identity, root_hash)
    return replace(contents, identity=identity, images={name: image, beside.plan.name: hashes}), root_hash


def write_disk(inputs: CreateInputs, plan: DiskPlan, contents: Contents, disk: Path) -> DiskLayout:
    """Write ``contents`` as the new file ``disk`` and return how it is laid out.

    Raises:
        BuildError: the disk or a partition is too small, a filesystem cannot be written, or a tool failed.
        HostError: the disk is full.
    """
    needs = {entry.plan.name: contents.need(entry.plan.name) for entry in contents.identity.partitions}
    root = contents.identity.role("root")
    if root is not None and inputs.type.size is None and _grows(contents, root):
        needs[root.plan.name] += max(_LEAST_FREE, needs[root.plan.name] // _FREE_PART)
    layout = lay_out(plan, contents.identity, needs, inputs.type.size)
    with disk.open("xb") as file:
        file.truncate(layout.size)
    write_table(layout, disk)
    for extent in layout.extents:
        contents.write(extent.partition.plan.name, Place(disk, extent.offset, extent.size))
    return layout


def _grows(contents: Contents, root: Partition) -> bool:
    return root.plan.name not in contents.images and root.plan.filesystem not in READ_ONLY


def _spec(inputs: CreateInputs, entry: Partition, sector_bytes: int) -> FilesystemSpec:
    kind, is_root, disk = entry.plan.filesystem, entry.plan.role == "root", inputs.type.disk
    return FilesystemSpec(
        kind=kind,
        label=entry.plan.label,
        uuid=entry.filesystem_uuid,
        hash_uuid=inputs.uuid(f"{entry.plan.name} hash seed"),
        epoch=inputs.epoch,
        options=inputs.type.fscreateoptions if is_root else (),
        sector_bytes=sector_bytes,
        compression=inputs.compression(kind),
        arch=inputs.arch,
        partition=entry.plan.name,
        subvolumes=subvolumes(disk) if is_root else (),
        quota_groups=is_root and has_quotas(disk),
    )
