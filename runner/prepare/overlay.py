# SPDX-License-Identifier: Apache-2.0
"""Copies overlay directories over the tree: ``root/``, then one per profile.

As KIWI: permissions, hard links, extended attributes and links are kept, owner and group are not. What is new or
replaced belongs to root, directories that exist keep their owner.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import DescriptionError

if TYPE_CHECKING:
    from runner.prepare.origin import Origin
    from runner.prepare.paths import TreePaths
    from runner.prepare.step import Bench

VERSION = 1


@dataclass(frozen=True, slots=True)
class Inputs:
    """The overlay directory ``name`` beside the description."""

    origin: Origin
    name: str = "root"


def run(inputs: Inputs, bench: Bench) -> bool:
    """Copy the overlay and tell whether there was one. Times of all it writes are the epoch: git keeps none.

    Raises:
        DescriptionError: it holds something else than files, directories and links.
        BuildError: a file would replace a directory with content.
    """
    folder = inputs.origin.folder(inputs.name)
    if folder is None:
        return False
    _Copy(inputs.origin, bench.paths, bench.epoch * 10**9, folder.resolve()).directory("")
    return True


@dataclass(slots=True)
class _Copy:
    """One recursive copy; remembers files with several names so that their copies share an inode too."""

    origin: Origin
    paths: TreePaths
    time_ns: int
    source: Path
    _names: dict[tuple[int, int], Path] = field(default_factory=dict)

    def directory(self, name: str) -> None:
        """Copy the content of the directory ``name`` (relative to the overlay, ``""`` is its top)."""
        for entry in sorted(os.scandir(f"{self.source}{name}"), key=lambda entry: entry.name):
            inner = f"{name}/{entry.name}"
            if entry.is_symlink():
                self._link(entry, inner)
            elif entry.is_dir():
                self._folder(entry, inner)
            elif entry.is_file():
                self._file(entry, inner)
            else:
                raise DescriptionError(
                    "an overlay may hold files, directories and links only", where=f"{self.source}{inner}"
                )

    def _folder(self, entry: os.DirEntry[str], name: str) -> None:
        existed = self.paths.resolve(name).is_dir()
        target = self.paths.make_directory(name, replace=True)
        if not existed or not self.origin.git_modes:  # git knows no directory modes: /tmp must stay 1777
            target.chmod(self.origin.mode(Path(entry.path)))
        _copy_xattrs(entry.path, target)
        self.directory(name)
        self._stamp(target)

    def _link(self, entry: os.DirEntry[str], name: str) -> None:
        target = self.paths.link(name, os.readlink(entry.path))  # noqa: PTH115 - Path would tidy the text
        _copy_xattrs(entry.path, target)
        self._stamp(target)

    def _file(self, entry: os.DirEntry[str], name: str) -> None:
        info = entry.stat()
        identity = (info.st_dev, info.st_ino)
        target = self.paths.make_room(name)
        twin = self._names.get(identity)
        if twin is not None and twin.exists():
            os.link(twin, target)
            return
        shutil.copyfile(entry.path, target)
        os.chown(target, 0, 0)
        target.chmod(self.origin.mode(Path(entry.path)))
        _copy_xattrs(entry.path, target)
        self._stamp(target)
        if info.st_nlink > 1:
            self._names[identity] = target

    def _stamp(self, target: Path) -> None:
        os.utime(target, ns=(self.time_ns, self.time_ns), follow_symlinks=False)


def _copy_xattrs(source: str, target: Path) -> None:
    for name in sorted(os.listxattr(source, follow_symlinks=False)):
        if name.startswith(("user.", "security.capability", "system.posix_acl_")):
            value = os.getxattr(source, name, follow_symlinks=False)
            os.setxattr(target, name, value, follow_symlinks=False)
