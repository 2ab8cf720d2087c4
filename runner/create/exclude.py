# SPDX-License-Identifier: Apache-2.0
"""``image/exclude_files.yaml`` in the tree: what is there for the build and left out of the result.

Its key ``exclude`` is a list of paths from the tree's top; ``*``, ``?`` and ``[…]`` match within one name. A
folder goes with all in it. It is for filesystems and archives of the tree, not for containers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.create.strip import remove
from runner.errors import DescriptionError, Location
from runner.prepare.glob import find, regular_file
from runner.prepare.paths import TreePaths

if TYPE_CHECKING:
    from pathlib import Path

NAME = "image/exclude_files.yaml"
_LARGEST = 1 << 20
"""Bytes of the list."""


class _Excludes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    exclude: tuple[str, ...]


def leave_out(root: Path) -> None:
    """Delete in place what the list in the tree at ``root`` names; nothing where there is none.

    ``root`` must be a throw-away view of the tree. Links on the way are followed inside the tree, a link that is
    named itself is deleted. Folders keep the times they had.

    Raises:
        DescriptionError: the list cannot be read, or a pattern in it means the whole tree or leads out of it.
    """
    paths = TreePaths(root)
    listed = regular_file(paths, NAME)
    if listed is None:
        return
    for pattern in _read(listed).exclude:
        parts = pattern.strip("/").split("/")
        if not all(parts) or not {".", ".."}.isdisjoint(parts):
            raise _wrong(f"{pattern!r} is no path from the tree's top")
        for path in list(find(paths, pattern)):
            remove(path)


def _read(path: Path) -> _Excludes:
    import yaml

    with path.open("rb") as stream:
        text = stream.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise _wrong(f"it is larger than {_LARGEST} bytes")
    try:
        return msgspec.convert(yaml.safe_load(text), _Excludes)
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(str(error)) from error


def _wrong(why: str) -> DescriptionError:
    return DescriptionError(
        "the list of files to leave out is wrong",
        where=Location(NAME),
        why=why,
        hint="write the key exclude with a list of paths, as usr/share/doc/*",
    )
