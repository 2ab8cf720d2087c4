# SPDX-License-Identifier: Apache-2.0
"""Find the main file of a description in its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.folder import inside
from runner.errors import DescriptionError

if TYPE_CHECKING:
    from pathlib import Path


def find_kiwi_file(directory: Path, kiwi_file: str | None = None, *, boundary: Path | None = None) -> str:
    """Return the path of the main file relative to ``directory``.

    KIWI's order: the name the user gave, ``config.xml``, ``image/config.xml`` (a prepared root tree), the first
    ``*.kiwi`` in sorted order.

    Raises:
        DescriptionError: no such folder, no such file, or the name leads outside of the folder.
    """
    if not directory.is_dir():
        raise DescriptionError(f"{directory} is not a folder", hint="name the folder that holds the description")
    if kiwi_file is not None:
        if _is_file(inside(directory, kiwi_file, what="the kiwi file", boundary=boundary)):
            return kiwi_file
        raise DescriptionError(f"no file {kiwi_file} in the description's folder", where=str(directory))
    for name in ("config.xml", "image/config.xml", *_kiwi_files(directory)):
        if _is_file(directory / name):
            return name
    raise DescriptionError(
        "no image description in this folder",
        where=str(directory),
        why="there is neither config.xml, image/config.xml nor any *.kiwi file",
        hint="choose the folder with --subdir, or the file with --kiwi-file",
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than there can be, a folder that may not be looked into
        return False


def _kiwi_files(directory: Path) -> list[str]:
    try:
        return sorted(path.name for path in directory.iterdir() if path.suffix == ".kiwi")
    except OSError as error:
        raise DescriptionError(
            "the description's folder cannot be read", where=str(directory), why=error.strerror or None
        ) from error
