# SPDX-License-Identifier: Apache-2.0
"""Files beside a description, read so that a description cannot reach for files of this machine."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import DescriptionError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Origin:
    """The folder of a description.

    Attributes:
        directory: where the description lies.
        boundary: the checkout around it; links may lead elsewhere in the checkout, never out of it.
        git_modes: take only what git records of permissions (755 or 644), so that a clone under any umask and a
            work tree give the same image. False takes the modes on disk, for folders that git does not know.
    """

    directory: Path
    boundary: Path
    git_modes: bool = True

    def find(self, name: str) -> Path | None:
        """Return the path of ``name`` beside the description, or None when there is none.

        Raises:
            DescriptionError: it leads out of the checkout.
        """
        path = self.directory / name
        try:
            real = path.resolve(strict=True)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, RuntimeError, ValueError) as error:  # loops of links, null bytes
            raise DescriptionError(f"{name} cannot be followed", where=str(path), why=str(error)) from error
        if not real.is_relative_to(self.boundary.resolve()):
            raise DescriptionError(
                f"{name} lies outside of the repository",
                where=str(self.directory),
                hint="copy it beside the description",
            )
        return path

    def file(self, name: str) -> Path:
        """Return the path of the regular file ``name``.

        Raises:
            DescriptionError: missing, not a regular file, or outside of the checkout.
        """
        path = self.find(name)
        if path is None:
            raise DescriptionError(f"the file {name} is missing", where=str(self.directory))
        if not path.is_file():
            raise DescriptionError(f"{name} is not a file", where=str(self.directory))
        return path

    def folder(self, name: str) -> Path | None:
        """Return the path of the directory ``name``, None when there is none (or only a file)."""
        path = self.find(name)
        return path if path is not None and path.is_dir() else None

    def mode(self, path: Path) -> int:
        """Return the permission bits a copy of ``path`` gets."""
        mode = stat.S_IMODE(path.stat().st_mode)
        if not self.git_modes:
            return mode
        return 0o755 if mode & 0o100 or path.is_dir() else 0o644
