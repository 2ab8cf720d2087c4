# SPDX-License-Identifier: Apache-2.0
"""Divide a root tree into the trees of the partitions that are mounted in it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from runner.copy_tree import copy_tree
from runner.errors import BuildError
from runner.prepare.paths import TreePaths

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROOT = "/"
_MODE = 0o755


@dataclass(frozen=True, slots=True)
class PartedTree:
    """A tree of which parts lie elsewhere; ``parts`` are the folders by their mountpoints, that of ``/`` too."""

    parts: Mapping[str, Path]

    def path(self, name: str) -> Path:
        """Return where the file is that the system will find as ``name``, relative to its root.

        Links are followed, and none leads out of the part of the tree that it lies in.
        """
        part, inside = self._part(name)
        return part.resolve(inside)

    def file(self, name: str, hint: str = "") -> Path:
        """Return where the file ``name`` is; a link is none.

        Raises:
            BuildError: it is not there.
        """
        part, inside = self._part(name)
        path = part.resolve(inside, follow_last=False)
        if path.is_symlink() or not path.is_file():
            raise BuildError(f"the image has no file /{name.lstrip(ROOT)}", hint=hint or None)
        return path

    def write(self, name: str, content: bytes) -> None:
        """Write the file ``name``; see :meth:`runner.prepare.paths.TreePaths.write`."""
        part, inside = self._part(name)
        part.write(inside, content)

    def _part(self, name: str) -> tuple[TreePaths, str]:
        """Return the part that ``name`` lies in, and its name there."""
        wanted = PurePosixPath(ROOT) / name
        within = [point for point in self.parts if wanted.is_relative_to(point)]
        nearest = max(within, key=_depth)
        return TreePaths(self.parts[nearest]), str(wanted.relative_to(nearest))


def split(root: Path, mountpoints: Mapping[str, str], scratch: Path) -> dict[str, Path]:
    """Move what lies below each mountpoint into a folder of its own in ``scratch``; an empty folder stays.

    Args:
        root: the tree; what is left in it belongs to the partition mounted at ``/``.
        mountpoints: where each partition is mounted, by the partition's name.
        scratch: an empty folder on a filesystem that keeps owners and attributes.

    Returns:
        the tree of each partition by its name. The copies keep owners, modes, times and attributes.

    Raises:
        BuildError: a mountpoint is no folder of the tree, or a name is none that a folder can have.
        HostError: the disk is full.
    """
    trees = {name: root for name, point in mountpoints.items() if point == ROOT}
    below = [(point, name) for name, point in mountpoints.items() if point != ROOT]
    for point, name in sorted(below, key=lambda pair: _depth(pair[0]), reverse=True):  # /boot/efi before /boot
        if not name.strip(".") or "/" in name:
            raise BuildError(f"a partition cannot be called {name!r}")
        folder, part = mountpoint_folder(root, point), scratch / name
        copy_tree(folder, part)
        _empty(folder)
        trees[name] = part
    return trees


def _depth(point: str) -> int:
    return len(PurePosixPath(point).parts)


def mountpoint_folder(root: Path, point: str) -> Path:
    """Return the folder of ``point``, made where it is missing; no link leads out of the tree."""
    folder = root
    for part in PurePosixPath(point).relative_to(ROOT).parts:
        folder = folder / part
        if part == ".." or folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise BuildError(
                f"nothing can be mounted at {point}", why=f"/{folder.relative_to(root)} is no folder of the tree"
            )
        if not folder.exists():
            folder.mkdir()
            folder.chmod(_MODE)
    return folder


def _empty(folder: Path) -> None:
    before = folder.stat()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)  # noqa: PTH108  # an entry has its path as text
    os.utime(folder, ns=(before.st_mtime_ns, before.st_mtime_ns))
