# SPDX-License-Identifier: Apache-2.0
"""What every filesystem writer takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from runner.disk.subvolumes import Subvolume

if TYPE_CHECKING:
    from pathlib import Path

    from runner.process import LineSink


class FilesystemSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One filesystem to make.

    Attributes:
        kind: as the description names it: ext2, ext3, ext4, xfs, btrfs, squashfs, erofs, fat16, fat32, swap.
        partition: the name of the one it lies in.
        uuid: as the filesystem's tools write it; ``hash_uuid`` seeds what else is random in it.
        options: arguments of the description for its mkfs.
        compression: as the description names it, where the filesystem compresses; empty: its usual one.
        arch: of the programs in it, as ``uname -m`` says; tells what compresses them well.
        epoch: seconds since 1970; no time in it is later.
        sector_bytes: logical sector size of the disk it lies on.
        subvolumes: of a btrfs, and which part of the tree is in each; without any all of it lies at the top.
        quota_groups: a btrfs counts how much each subvolume has, and keeps to their quotas.
    """

    kind: str
    label: str
    uuid: str
    hash_uuid: str
    epoch: int
    options: tuple[str, ...] = ()
    sector_bytes: int = 512
    compression: str = ""
    arch: str = ""
    partition: str = ""
    subvolumes: tuple[Subvolume, ...] = ()
    quota_groups: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Part of a file, in bytes. The file is there and large enough."""

    file: Path
    offset: int
    size: int


class Need(Protocol):
    """Return the bytes that a filesystem holding the tree at ``root`` needs at least, a multiple of 1 MiB.

    What had to be written to know it may stay in the folder ``scratch``, which :class:`Write` gets as well.

    Raises:
        BuildError: a tool failed.
    """

    def __call__(self, spec: FilesystemSpec, root: Path, scratch: Path) -> int: ...


class Write(Protocol):
    """Write the filesystem with the tree at ``root`` into ``place``, and nothing outside it.

    Raises:
        BuildError: the tree does not fit (saying by how much), or a tool failed.
    """

    def __call__(
        self, spec: FilesystemSpec, root: Path, place: Place, *, scratch: Path, sink: LineSink | None = None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Filesystem:
    """A kind of filesystem. ``version`` grows whenever equal inputs and tools would give other bytes.

    ``reproducible`` is false where the tool at hand cannot give equal bytes twice; the manifest then says so.
    """

    version: int
    tools: tuple[str, ...]
    need: Need
    write: Write
    reproducible: bool = True
