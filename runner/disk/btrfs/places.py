# SPDX-License-Identifier: Apache-2.0
"""Where subvolumes are in each other, and where their content is in the tree."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.disk.btrfs.format import FIRST_FREE, FS_TREE
from runner.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.disk.subvolumes import Subvolume


@dataclass(frozen=True, slots=True)
class Volume:
    """A subvolume with its number. ``source`` is the folder with its content; None: it begins empty."""

    number: int
    path: bytes
    source: bytes | None
    read_only: bool = False
    copy_on_write: bool = True
    quota: int | None = None


class Places:
    """All subvolumes of a filesystem, its top among them."""

    def __init__(self, root: Path, subvolumes: Iterable[Subvolume]) -> None:
        given = {entry.path: entry for entry in subvolumes}
        folder = os.fsencode(root)
        self.volumes = [Volume(FS_TREE, b"", None if given else folder)]
        for path, entry in sorted(given.items()):
            source = _source(root, entry)
            number = FIRST_FREE - 1 + len(self.volumes) if path else FS_TREE
            said = (entry.read_only, entry.copy_on_write, entry.quota_bytes)
            volume = Volume(number, os.fsencode(path), source, *said)
            if path:
                self.volumes.append(volume)
            else:
                self.volumes[0] = volume
        default = next((entry.path for entry in given.values() if entry.is_default), "")
        self._by_path = {volume.path: volume for volume in self.volumes}
        self._sources = {volume.source for volume in self.volumes}
        self._below: dict[bytes, set[bytes]] = {}
        for volume in self.volumes:
            self._note(volume.path)
        self.default = self._by_path[os.fsencode(default)]

    def _note(self, path: bytes) -> None:
        while path:
            above, _, name = path.rpartition(b"/")
            self._below.setdefault(above, set()).add(name)
            path = above

    def below(self, path: bytes) -> set[bytes]:
        """Return the names that the folder at ``path`` must have for the sake of subvolumes."""
        return self._below.get(path, set())

    def volume_at(self, path: bytes) -> Volume | None:
        """Return the subvolume that ``path`` of the filesystem is."""
        return self._by_path.get(path)

    def is_elsewhere(self, path: bytes) -> bool:
        """Tell whether what is in the folder ``path`` of the tree belongs to a subvolume that is mounted there."""
        return path in self._sources

    def require_free(self, volume: Volume, entry: bytes | None) -> None:
        """Check that nothing of the tree is where ``volume`` comes to lie.

        Raises:
            BuildError: something is.
        """
        if entry is None or entry == volume.source or _is_empty(Path(os.fsdecode(entry))):
            return
        raise BuildError(
            f"the subvolume {os.fsdecode(volume.path)} cannot be made",
            why="a file or folder of the tree has its name",
            hint="give the volume another name, or mount it at its own place",
        )


def _source(root: Path, volume: Subvolume) -> bytes | None:
    if not volume.mountpoint:
        return None
    folder = root / volume.mountpoint.strip("/")
    if folder.is_dir():
        return os.fsencode(folder)
    raise BuildError(
        f"the subvolume {volume.path} cannot be mounted at {volume.mountpoint}",
        why="the filesystem with the subvolumes has no such folder",
        hint="is there a partition of its own for it, or for a folder above it?",
    )


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())
