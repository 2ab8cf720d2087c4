# SPDX-License-Identifier: Apache-2.0
"""FAT16 and FAT32, filled by mtools path by path in the order of names, so that equal trees give equal bytes.

FAT keeps neither owners nor modes nor links: a link is refused, the rest is what the mount says.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner.create.walk import walk
from runner.disk.filesystems.api import Filesystem
from runner.disk.filesystems.ext_size import too_small
from runner.disk.filesystems.placing import copy_into
from runner.disk.layout import larger
from runner.errors import BuildError
from runner.plan.sizes import FAT_CLUSTERS, least_mib
from runner.process import run as run_tool
from runner.process import tool_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.disk.filesystems.api import FilesystemSpec, Place
    from runner.process import LineSink

_MEBIBYTE = 1 << 20
_BITS = {"fat16": "16", "fat32": "32"}
_CLUSTER, _SECTORS_OF_CLUSTER = 4096, 128

_TABLES_SHARE = 64
_LONGEST_LABEL = 11


def need(spec: FilesystemSpec, root: Path, scratch: Path) -> int:  # noqa: ARG001  # as all filesystems
    """See :class:`runner.disk.filesystems.api.Need`."""
    content = sum(_clusters(entry.stat.st_size if entry.is_file else 1) for entry in walk(root)) * _CLUSTER
    size = content + content // _TABLES_SHARE + _MEBIBYTE
    return max(-(-size // _MEBIBYTE), least_mib(spec.kind, spec.sector_bytes)) * _MEBIBYTE


def write(spec: FilesystemSpec, root: Path, place: Place, *, scratch: Path, sink: LineSink | None = None) -> None:
    """See :class:`runner.disk.filesystems.api.Write`."""
    cluster = _cluster_sectors(spec, place.size)
    image = scratch / "vfat"
    with image.open("xb") as stream:
        stream.truncate(place.size)
    environment = tool_environment(
        {"SOURCE_DATE_EPOCH": str(spec.epoch), "TZ": "UTC", "MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": os.devnull}
    )
    volume = spec.uuid.replace("-", "")
    label = ("-n", spec.label[:_LONGEST_LABEL].upper()) if spec.label else ()
    sizes = ("-F", _BITS[spec.kind], "-S", str(spec.sector_bytes), "-s", str(cluster))
    make = ("mkfs.vfat", "--invariant", "-i", volume, *label, *sizes, *spec.options, image)
    run_tool(make, env=environment, sink=sink, what="mkfs.vfat")
    for command in _commands(root, image):
        try:
            run_tool(command, env=environment, sink=sink, what=str(command[0]))
        except BuildError as error:
            raise _full(error, command, spec, place) from error
    copy_into(image, place)
    image.unlink()


def _cluster_sectors(spec: FilesystemSpec, size: int) -> int:
    """Return the sectors of a cluster: 4 KiB where the number of clusters then makes it this kind of FAT.

    Raises:
        BuildError: there is no such filesystem of ``size`` bytes.
    """
    fewest, most = FAT_CLUSTERS[spec.kind]
    if size < least_mib(spec.kind, spec.sector_bytes) * _MEBIBYTE:
        raise too_small(size, least_mib(spec.kind, spec.sector_bytes) * _MEBIBYTE)
    sectors = _CLUSTER // spec.sector_bytes
    while sectors > 1 and (size - _MEBIBYTE) // (sectors * spec.sector_bytes) < fewest:
        sectors //= 2
    while sectors < _SECTORS_OF_CLUSTER and size // (sectors * spec.sector_bytes) > most:
        sectors *= 2
    return sectors


def _commands(root: Path, image: Path) -> Iterator[tuple[str | Path, ...]]:
    """One call a path: what several paths in one call do depends on the host's order. All times are the epoch."""
    for entry in walk(root):
        target = f"::/{os.fsdecode(entry.name)}"
        if entry.is_dir:
            yield ("mmd", "-i", image, target)
        elif entry.is_file:
            yield ("mcopy", "-i", image, os.fsdecode(entry.path), target)
        else:
            raise BuildError(
                f"{os.fsdecode(entry.name)} cannot lie in a FAT filesystem",
                why="it is neither a file nor a folder",
            )


def _full(error: BuildError, command: tuple[str | Path, ...], spec: FilesystemSpec, place: Place) -> BuildError:
    """Return what ``error`` of ``command`` means."""
    if not any("Disk full" in line for line in error.log_tail):
        return error
    return BuildError(
        f"the partition {spec.partition} is too small for what lies in it",
        why=f"no room is left for /{str(command[-1]).removeprefix('::/')}",
        hint=larger(spec.partition, place.size + _MEBIBYTE),
    )


def _clusters(size: int) -> int:
    return max(1, -(-size // _CLUSTER))


FILESYSTEM = Filesystem(version=3, tools=("mkfs.vfat", "mcopy", "mmd"), need=need, write=write)
