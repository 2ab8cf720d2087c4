# SPDX-License-Identifier: Apache-2.0
"""Filesystems that are only read: packing tells how large they come out, so it is done before they get a place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from runner.disk.filesystems.api import Filesystem
from runner.disk.filesystems.ext_size import MEBIBYTE, too_small
from runner.disk.filesystems.placing import copy_into

if TYPE_CHECKING:
    from pathlib import Path

    from runner.disk.filesystems.api import FilesystemSpec, Place
    from runner.process import LineSink

_IMAGE = "packed"


class Pack(Protocol):
    """Write the filesystem with the tree at ``root`` as the new file ``path``.

    Raises:
        BuildError: the tool failed.
    """

    def __call__(self, spec: FilesystemSpec, root: Path, path: Path, *, sink: LineSink | None = None) -> None: ...


def packed(pack: Pack, *, version: int, tools: tuple[str, ...]) -> Filesystem:
    """Return the writer of a filesystem that ``pack`` makes; it packs once, whichever comes first."""

    def need(spec: FilesystemSpec, root: Path, scratch: Path) -> int:
        image = scratch / _IMAGE
        pack(spec, root, image)
        return _whole(image)

    def write(
        spec: FilesystemSpec, root: Path, place: Place, *, scratch: Path, sink: LineSink | None = None
    ) -> None:
        image = scratch / _IMAGE
        if not image.exists():
            pack(spec, root, image, sink=sink)
        if _whole(image) > place.size:
            raise too_small(place.size, _whole(image))
        copy_into(image, place)
        image.unlink()

    return Filesystem(version=version, tools=tools, need=need, write=write)


def _whole(image: Path) -> int:
    return -(-image.stat().st_size // MEBIBYTE) * MEBIBYTE
