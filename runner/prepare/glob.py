# SPDX-License-Identifier: Apache-2.0
"""Finds paths in a tree by pattern, links resolved inside the tree (``pathlib`` would follow them to the host)."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from runner.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.prepare.paths import TreePaths


def find(paths: TreePaths, pattern: str) -> Iterator[Path]:
    """Yield what exists under ``pattern`` in sorted order; a link as last component is yielded, not followed."""
    head, _, rest = pattern.strip("/").partition("/")
    yield from _find(paths, "", head, rest)


def regular_file(paths: TreePaths, path: str) -> Path | None:
    """Return the regular file at ``path``, links followed inside the tree; None when there is none."""
    location = _resolve(paths, path)
    return location if location is not None and location.is_file() else None


def _find(paths: TreePaths, parent: str, head: str, rest: str) -> Iterator[Path]:
    for name in _names(paths, parent, head):
        inner = f"{parent}/{name}"
        if rest:
            following, _, left = rest.partition("/")
            yield from _find(paths, inner, following, left)
        else:
            location = _resolve(paths, inner, follow_last=False)
            if location is not None and os.path.lexists(location):
                yield location


def _names(paths: TreePaths, parent: str, pattern: str) -> list[str]:
    if not any(sign in pattern for sign in "*?["):
        return [pattern]
    folder = _resolve(paths, parent)
    if folder is None or not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if fnmatchcase(entry.name, pattern))


def _resolve(paths: TreePaths, path: str, *, follow_last: bool = True) -> Path | None:
    try:
        return paths.resolve(path, follow_last=follow_last)
    except BuildError:  # a loop of links holds no files
        return None
