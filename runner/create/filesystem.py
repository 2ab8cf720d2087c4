# SPDX-License-Identifier: Apache-2.0
"""``btrfs`` and ``xfs``: the tree as ``N.<type>``, a filesystem without partition table."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runner.create.canonical import canonicalise
from runner.create.image import filesystem_image
from runner.create.registry import Builder
from runner.disk.filesystems.api import FilesystemSpec, Place
from runner.disk.filesystems.ext_size import BLOCK, MEBIBYTE, measure, too_small
from runner.disk.filesystems.registry import filesystem_for

if TYPE_CHECKING:
    from runner.create.image import ResultFile
    from runner.create.inputs import CreateInputs
    from runner.create.registry import Workshop


def run(inputs: CreateInputs, root: Path, stage: Path, workshop: Workshop) -> tuple[ResultFile, ...]:
    """Pack ``root``; see :class:`runner.create.registry.Run`."""
    canonicalise(root, inputs.epoch, workshop.sink)
    kind = inputs.type.image
    spec = FilesystemSpec(
        kind=kind,
        label=inputs.type.rootfs_label,
        uuid=inputs.uuid(f"{kind} uuid"),
        hash_uuid=inputs.uuid(f"{kind} hash seed"),
        epoch=inputs.epoch,
        options=inputs.type.fscreateoptions,
    )
    filesystem = filesystem_for(kind)
    path = stage / f"{inputs.stem}.{kind}"
    with tempfile.TemporaryDirectory(prefix=f".{kind}-", dir=stage) as folder:
        scratch = Path(folder)
        size = _size(inputs, root, filesystem.need(spec, root, scratch))
        with path.open("xb") as file:
            file.truncate(size)
        filesystem.write(spec, root, Place(path, 0, size), scratch=scratch, sink=workshop.sink)
    return (filesystem_image(path),)


def _size(inputs: CreateInputs, root: Path, needed: int) -> int:
    """Without ``<size>`` this is KIWI's rule, one and a half times the data, or what is needed if that is more."""
    asked = inputs.type.size
    if asked is not None and not asked.additive:
        total = asked.mebibytes * MEBIBYTE
        if total < needed:
            raise too_small(total, needed)
        return total
    usual = measure(root).blocks * BLOCK * 3 // 2
    extra = asked.mebibytes * MEBIBYTE if asked is not None else 0
    return -(-max(usual, needed) // MEBIBYTE) * MEBIBYTE + extra


BUILDER = Builder(version=1, tools=(), run=run)
