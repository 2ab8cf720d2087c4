# SPDX-License-Identifier: Apache-2.0
"""``ext2``, ``ext3``, ``ext4``: the tree as ``N.<type>``, a filesystem without partition table."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runner.create.canonical import canonicalise
from runner.create.image import filesystem_image
from runner.create.registry import Builder
from runner.disk.filesystems import ext
from runner.disk.filesystems.api import FilesystemSpec, Place
from runner.disk.filesystems.ext_size import layout, measure

if TYPE_CHECKING:
    from runner.create.image import ResultFile
    from runner.create.inputs import CreateInputs
    from runner.create.registry import Workshop


def run(inputs: CreateInputs, root: Path, stage: Path, workshop: Workshop) -> tuple[ResultFile, ...]:
    """Pack ``root``; see :class:`runner.create.registry.Run`."""
    canonicalise(root, inputs.epoch, workshop.sink)
    chosen = layout(measure(root), inputs.type.size)
    path = stage / f"{inputs.stem}.{inputs.type.image}"
    with path.open("xb") as file:
        file.truncate(chosen.size)
    spec = FilesystemSpec(
        kind=inputs.type.image,
        label=inputs.type.rootfs_label,
        uuid=inputs.uuid("ext uuid"),
        hash_uuid=inputs.uuid("ext hash seed"),
        epoch=inputs.epoch,
        options=inputs.type.fscreateoptions,
    )
    with tempfile.TemporaryDirectory(prefix=".ext-", dir=stage) as scratch:
        place = Place(path, 0, chosen.size)
        ext.write_sized(spec, root, place, chosen.inodes, scratch=Path(scratch), sink=workshop.sink)
    return (filesystem_image(path),)


BUILDER = Builder(version=2, tools=ext.FILESYSTEM.tools, run=run)
