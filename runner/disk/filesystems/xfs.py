# SPDX-License-Identifier: Apache-2.0
"""XFS, filled by mkfs.xfs and finished by us: equal bytes, with all owners, times, attributes and links.

mkfs.xfs fills from a protofile, which knows structure, content and little else. The rest is written into the
inodes afterwards (:mod:`runner.disk.filesystems.xfs_finish`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.walk import walk
from runner.disk.filesystems.api import Filesystem
from runner.disk.filesystems.ext_size import BLOCK, MEBIBYTE, measure, too_small
from runner.disk.filesystems.placing import copy_into
from runner.disk.filesystems.xfs_finish import finish
from runner.disk.filesystems.xfs_proto import nodes_of, write_protofile
from runner.errors import BuildError
from runner.process import run as run_tool
from runner.process import tool_environment

if TYPE_CHECKING:
    from pathlib import Path

    from runner.disk.filesystems.api import FilesystemSpec, Place
    from runner.process import LineSink

_INODE = 512
_LEAST = 300 * MEBIBYTE
"""mkfs.xfs makes none that is smaller."""

_LOG = 64 * MEBIBYTE
_SHARE = 16
"""One part of so many is left for the filesystem's own tables and for blocks that do not lie well."""

_LONGEST_LABEL = 12
_FULL = ("No space left", "cannot allocate", "error allocating space", "reservation")


def need(spec: FilesystemSpec, root: Path, scratch: Path) -> int:  # noqa: ARG001  # as all filesystems
    """See :class:`runner.disk.filesystems.api.Need`. Each file must find room in one piece."""
    content = measure(root)
    largest = max((entry.stat.st_size for entry in walk(root) if entry.is_file), default=0)
    total = content.blocks * BLOCK + content.inodes * _INODE + largest
    total += total // _SHARE + _LOG + 8 * MEBIBYTE
    return max(_LEAST, -(-total // MEBIBYTE) * MEBIBYTE)


def write(spec: FilesystemSpec, root: Path, place: Place, *, scratch: Path, sink: LineSink | None = None) -> None:
    """See :class:`runner.disk.filesystems.api.Write`."""
    if place.size < _LEAST:
        raise too_small(place.size, _LEAST)
    image, folder = scratch / "xfs", scratch / "proto"
    with image.open("xb") as stream:
        stream.truncate(place.size)
    folder.mkdir()
    nodes = nodes_of(root)
    proto = write_protofile(nodes, root, folder)
    _make(spec, image, proto, sink)
    if finish(image, spec, nodes, root):
        run_tool(("xfs_repair", "-f", image), sink=sink, what="xfs_repair")  # makes the tables of inodes anew
    copy_into(image, place)
    image.unlink()


def _make(spec: FilesystemSpec, image: Path, proto: Path, sink: LineSink | None) -> None:
    label = ("-L", spec.label[:_LONGEST_LABEL]) if spec.label else ()
    named = ("-m", f"uuid={spec.uuid}", *label)
    shape = ("-i", "nrext64=0", "-s", f"size={spec.sector_bytes}")
    command = ("mkfs.xfs", "-q", "-f", *named, *shape, *spec.options, "-p", proto.name, image)
    try:
        run_tool(command, cwd=proto.parent, env=tool_environment(), sink=sink, what="mkfs.xfs")
    except BuildError as error:
        if any(word in line for line in error.log_tail for word in _FULL):
            size = image.stat().st_size
            raise too_small(size, size + MEBIBYTE) from error
        raise


FILESYSTEM = Filesystem(version=1, tools=("mkfs.xfs", "xfs_repair"), need=need, write=write)
