# SPDX-License-Identifier: Apache-2.0
"""Folders a launcher needs inside the tree to mount on: made when missing, removed afterwards."""

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.sandbox.api import Command

_ALWAYS = ("dev", "proc", "run", "sys", "tmp")
"""Top-level folders every root tree has; they stay."""


@contextmanager
def mount_points(command: Command) -> Iterator[None]:
    """Make sure that every mount target of ``command`` exists in its tree while the block runs."""
    for name in _ALWAYS:
        path = command.root / name
        if not path.exists():
            path.mkdir(mode=0o1777 if name == "tmp" else 0o755)
            if name == "tmp":
                path.chmod(0o1777)
    made: list[Path] = []
    try:
        for bind in command.binds:
            made += _make(command.root, bind.target, directory=bind.source.is_dir())
        yield
    finally:
        for path in reversed(made):
            with contextlib.suppress(OSError):  # something of the tree may have come to lie in it
                path.rmdir() if path.is_dir() else path.unlink()


def _make(root: Path, target: str, *, directory: bool) -> list[Path]:
    """Create ``target`` below ``root`` and return what was made, outermost first.

    Raises:
        ValueError: a part of the target is a symbolic link, which would lead the mount elsewhere.
    """
    made: list[Path] = []
    parts = Path(target).relative_to("/").parts
    here = root
    for index, part in enumerate(parts):
        here /= part
        if here.is_symlink():
            raise ValueError(f"mount target {target} passes through a symbolic link")
        if here.exists():
            continue
        if index == len(parts) - 1 and not directory:
            here.touch()
        else:
            here.mkdir()
        made.append(here)
    return made
