# SPDX-License-Identifier: Apache-2.0
"""Lines of subuid(5) and subgid(5) for the time of a test; other test processes change them as well."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = (Path("/etc/subuid"), Path("/etc/subgid"))


@contextmanager
def accounts_locked() -> Iterator[None]:
    """Only one test process at a time changes accounts.

    ``useradd`` and ``usermod`` write back what they read before, and give up when another holds their lock.
    """
    folder = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextmanager
def subordinate_ids(line: str) -> Iterator[None]:
    """Add ``line`` to both files, and take exactly one such line away again."""
    with accounts_locked():
        for file in FILES:
            _replace(file, [*_lines(file), line])
    try:
        yield
    finally:
        with accounts_locked():
            for file in FILES:
                lines = _lines(file)
                lines.remove(line)
                _replace(file, lines)


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines(keepends=True) if file.exists() else []


def _replace(file: Path, lines: list[str]) -> None:
    """In one step: ``newuidmap`` of another test may read at any moment."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    with os.fdopen(handle, "w") as stream:
        stream.writelines(lines)
    Path(name).chmod(0o644)
    Path(name).replace(file)
