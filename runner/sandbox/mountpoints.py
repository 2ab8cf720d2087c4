# SPDX-License-Identifier: Apache-2.0
"""Folders a launcher needs inside the tree to mount on: made when missing, removed afterwards."""

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from runner.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.sandbox.api import Command

_MOUNTED = ("dev", "proc")
_ALWAYS = {"dev": 0o755, "proc": 0o755, "run": 0o755, "sys": 0o755, "tmp": 0o1777}
"""Top-level folders every root tree has, with their modes; they stay."""


@contextmanager
def mount_points(command: Command) -> Iterator[None]:
    """Make sure that every mount target of ``command`` exists in its tree while the block runs.

    Raises:
        BuildError: a target is not an absolute path, or a part of it is a symbolic link or a plain file.
    """
    for name in _MOUNTED:
        path = command.root / name
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise _refused(f"/{name}", f"/{name} of the tree is not a folder")
    for name, mode in _ALWAYS.items():
        path = command.root / name
        if not path.exists() and not path.is_symlink():
            path.mkdir()
            path.chmod(mode)  # whatever the umask
    made: list[Path] = []
    try:
        for bind in command.binds:
            _make(command.root, bind.target, directory=bind.source.is_dir(), made=made)
        yield
    finally:
        for path in reversed(made):
            with contextlib.suppress(OSError):  # something of the tree may have come to lie in it
                path.rmdir() if path.is_dir() else path.unlink()


def _make(root: Path, target: str, *, directory: bool, made: list[Path]) -> None:
    """Create ``target`` below ``root`` and append what was made to ``made``, outermost first."""
    path = PurePosixPath(target)
    parts = path.parts[1:]
    if not path.is_absolute() or not parts or ".." in parts:
        raise _refused(target, "it is not an absolute path below the root")
    here = root
    for index, part in enumerate(parts):
        here /= part
        is_folder = directory or index < len(parts) - 1
        if here.is_symlink():
            raise _refused(target, f"/{here.relative_to(root)} is a symbolic link, which would lead it elsewhere")
        if here.exists():
            if here.is_dir() != is_folder:
                raise _refused(target, f"/{here.relative_to(root)} is {'not ' if is_folder else ''}a folder")
            continue
        if is_folder:
            here.mkdir()
            here.chmod(0o755)
        else:
            here.touch()
        made.append(here)


def _refused(target: str, why: str) -> BuildError:
    return BuildError(
        f"nothing can be shown at {target} in the tree",
        why=why,
        hint="look which package, archive or overlay file of the description put it there",
    )
