# SPDX-License-Identifier: Apache-2.0
"""GRUB's theme (manual, section "Theme file format"): found in the image, put where GRUB can read it."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import msgspec

from runner.errors import BuildError
from runner.prepare.paths import TreePaths

if TYPE_CHECKING:
    from pathlib import Path

HOME = "boot/grub/themes"
_SHARED = ("usr/share/grub/themes", "usr/share/grub2/themes", "boot/grub2/themes")
_FILE = "theme.txt"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


class Theme(msgspec.Struct, frozen=True, kw_only=True):
    """A theme that lies in GRUB's folder; ``fonts`` are the files it needs, relative to its own."""

    name: str
    fonts: tuple[str, ...] = ()


def install_theme(root: Path, name: str) -> None:
    """Copy the theme ``name`` of the tree at ``root`` to where GRUB looks, unless it is there; none is no fault.

    Raises:
        BuildError: ``name`` is no name of a folder.
    """
    if not name:
        return
    if not _NAME.fullmatch(name):
        raise BuildError(
            f"no theme can be called {name!r}",
            where="bootloader-theme",
            hint="give the name of a folder in /usr/share/grub/themes",
        )
    paths = TreePaths(root)
    found = (paths.resolve(f"{folder}/{name}", follow_last=False) for folder in _SHARED)
    source = next((folder for folder in found if _is_theme(folder)), None)
    if source is not None and not os.path.lexists(paths.resolve(HOME) / name):
        shutil.copytree(source, paths.make_directory(HOME) / name, symlinks=True)


def find_theme(folder: Path) -> Theme | None:
    """Return the theme in ``folder``, None where there is none."""
    if not _is_theme(folder):
        return None
    return Theme(name=folder.name, fonts=tuple(sorted(path.name for path in folder.glob("*.pf2"))))


def _is_theme(folder: Path) -> bool:
    """A link, which may lead out of the tree, is none."""
    said = folder / _FILE
    return not (folder.is_symlink() or said.is_symlink()) and said.is_file()
