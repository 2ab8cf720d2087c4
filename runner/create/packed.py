# SPDX-License-Identifier: Apache-2.0
"""``squashfs`` and ``erofs``: the tree as ``N.<type>``, a filesystem that is only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.canonical import canonicalise
from runner.create.image import filesystem_image
from runner.create.registry import Builder
from runner.disk.filesystems import erofs, squashfs
from runner.disk.filesystems.api import FilesystemSpec

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.image import ResultFile
    from runner.create.inputs import CreateInputs
    from runner.create.registry import Workshop

_PACKERS = {"erofs": erofs.pack, "squashfs": squashfs.pack}
_MEDIA_TYPES = {"erofs": "application/octet-stream", "squashfs": "application/vnd.squashfs"}


def run(inputs: CreateInputs, root: Path, stage: Path, workshop: Workshop) -> tuple[ResultFile, ...]:
    """Pack ``root``; see :class:`runner.create.registry.Run`."""
    canonicalise(root, inputs.epoch, workshop.sink)
    kind = inputs.type.image
    path = stage / f"{inputs.stem}.{kind}"
    spec = FilesystemSpec(
        kind=kind,
        label="",
        uuid=inputs.uuid(f"{kind} uuid"),
        hash_uuid="",
        epoch=inputs.epoch,
        options=inputs.type.fscreateoptions,
        compression=inputs.compression(kind),
        arch=inputs.arch,
    )
    _PACKERS[kind](spec, root, path, sink=workshop.sink)
    return (filesystem_image(path, _MEDIA_TYPES[kind]),)


BUILDER = Builder(version=3, tools=(), run=run)
"""Tools and their use are those of the filesystem, see :mod:`runner.create.tools`."""
