# SPDX-License-Identifier: Apache-2.0
"""Paths inside a tree, resolved as the tree's own system would: symbolic links never lead out of it.

The host kernel resolves ``TREE/var/run/x`` through an absolute link ``/run`` to the *host's* ``/run``. All
writing into a tree therefore goes through :class:`TreePaths`. Nothing else may change the tree meanwhile: the
programs run in it have ended before we write.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

_MAX_LINKS = 40  # as Linux: path_resolution(7)


@dataclass(frozen=True, slots=True)
class TreePaths:
    """Finds and makes paths below ``root``, given as they are called inside the tree."""

    root: Path

    def resolve(self, path: str, *, follow_last: bool = True) -> Path:
        """Return where ``path`` lies on this machine.

        Links are followed inside the tree, ``..`` stops at its top, and what does not exist is taken literally.
        With ``follow_last`` false the last component is not followed, as for lstat(2).

        Raises:
            BuildError: more than 40 links, as in a loop.
        """
        found: list[str] = []
        todo = [part for part in reversed(path.split("/")) if part not in {"", "."}]
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                found = found[:-1]
                continue
            target = self._link(found, part) if todo or follow_last else None
            if target is None:
                found.append(part)
                continue
            links += 1
            if links > _MAX_LINKS:
                raise BuildError(
                    f"too many symbolic links in {path} of the tree", hint="look for a link to itself"
                )
            if target.startswith("/"):
                found = []
            todo.extend(piece for piece in reversed(target.split("/")) if piece not in {"", "."})
        return self.root.joinpath(*found)

    def inside(self, location: Path) -> str:
        """Return the name inside the tree of a ``location`` that :meth:`resolve` gave."""
        return "/".join(("", *location.relative_to(self.root).parts)) or "/"

    def exists(self, path: str) -> bool:
        """Tell whether ``path`` exists in the tree, links followed."""
        return os.path.lexists(self.resolve(path))

    def is_file(self, path: str) -> bool:
        """Tell whether ``path`` is a regular file of the tree, links followed."""
        return self.resolve(path).is_file()

    def make_directory(self, path: str, mode: int = 0o755, *, replace: bool = False) -> Path:
        """Return the directory ``path``, made with its parents when missing (root:root, ``mode``).

        With ``replace`` a file of that very name gives way, as rsync and tar do.

        Raises:
            BuildError: something else than a directory is in the way.
        """
        location = self.resolve(path)
        missing: list[Path] = []
        while not location.is_dir():
            if os.path.lexists(location):
                if missing or not replace:
                    raise BuildError(f"{self.inside(location)} in the tree is not a directory", where=path)
                location.unlink()
            missing.append(location)
            location = location.parent
        for directory in reversed(missing):
            directory.mkdir()
            os.chown(directory, 0, 0)
            directory.chmod(mode if directory is missing[0] else 0o755)
        return missing[0] if missing else location

    def make_room(self, path: str) -> Path:
        """Return where the new entry ``path`` goes: parents made, an old file, link or empty directory removed.

        The last component is not followed: a new file replaces an old link, it does not write through it.

        Raises:
            BuildError: a directory with content is in the way.
        """
        parent, _, name = path.rstrip("/").rpartition("/")
        if name in {"", ".", ".."}:
            raise BuildError(f"{path!r} is no file name in the tree")
        location = self.make_directory(parent) / name
        try:
            if stat.S_ISDIR(location.lstat().st_mode):
                location.rmdir()
            else:
                location.unlink()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise BuildError(
                f"{self.inside(location)} cannot be replaced in the tree", why="it is a directory with content"
            ) from error
        return location

    def write(self, path: str, content: bytes, mode: int = 0o644) -> Path:
        """Write a root-owned file, replacing what is there; a link as last component is followed in the tree."""
        location = self.make_room(self.inside(self.resolve(path)))
        location.write_bytes(content)
        os.chown(location, 0, 0)
        location.chmod(mode)
        return location

    def copy(self, source: str, path: str) -> Path:
        """Write the content of the tree's file ``source`` to ``path``, as :meth:`write` does."""
        return self.write(path, self.resolve(source).read_bytes())

    def link(self, path: str, target: str) -> Path:
        """Make the symbolic link ``path`` with the text ``target``, replacing what is there."""
        location = self.make_room(path)
        location.symlink_to(target)
        os.lchown(location, 0, 0)
        return location

    def remove(self, path: str) -> None:
        """Remove the file, link or whole directory ``path``; nothing happens when it is missing."""
        location = self.resolve(path, follow_last=False)
        if location == self.root:
            raise BuildError("the tree's own top cannot be removed")
        if location.is_dir() and not location.is_symlink():
            shutil.rmtree(location)
        else:
            location.unlink(missing_ok=True)

    def _link(self, parents: list[str], name: str) -> str | None:
        try:
            return str(self.root.joinpath(*parents, name).readlink())
        except OSError:  # missing, or no link
            return None
