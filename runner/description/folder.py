# SPDX-License-Identifier: Apache-2.0
"""The folder of a description: its digest, and which names lead out of it."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from runner.digest import sha256_file
from runner.errors import DescriptionError, Location
from runner.packages.lock import LOCK_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS = (
    "post_bootstrap.sh",
    "config.sh",
    "images.sh",
    "config-overlay.sh",
    "config-host-overlay.sh",
    "pre_disk_sync.sh",
    "disk.sh",
)
"""Scripts that KIWI finds by name beside the description, in the order they run."""

OVERLAY = "root"
OVERLAY_ARCHIVE = "root.tar.gz"


def inside(
    directory: Path, name: str, *, what: str, where: Location | None = None, boundary: Path | None = None
) -> Path:
    """Return the path of ``name`` in ``directory``; it need not exist.

    A symbolic link may lead elsewhere within ``boundary``, the checkout; without it the folder is the boundary.

    Raises:
        DescriptionError: ``name`` is empty, absolute, has a ``..`` part or a control character, or lies behind a
            symbolic link that leads out.
    """
    pure = PurePosixPath(name)
    if not name or pure.is_absolute() or ".." in pure.parts or any(ord(char) < ord(" ") for char in name):
        raise DescriptionError(
            f"{what} {name!r} is not a path inside the description's folder",
            where=where,
            why="absolute names and '..' would read files of the machine that builds",
            hint="put the file beside the description and name it relative to that folder",
        )
    path = directory / name
    if not _within(path, boundary or directory):
        raise DescriptionError(
            f"{what} {name!r} leads outside of {'the checkout' if boundary else 'the folder of the description'}",
            where=where or Location(name),
            why="it is a symbolic link, or lies behind one",
            hint="replace the link by a copy of what it points to",
        )
    return path


def check_pieces(directory: Path, profiles: tuple[str, ...] = (), boundary: Path | None = None) -> None:
    """Refuse scripts and overlays that are links out of the checkout; links inside an overlay are content.

    Raises:
        DescriptionError: as :func:`inside`.
    """
    for name in (*SCRIPTS, OVERLAY, OVERLAY_ARCHIVE, *profiles):
        if (directory / name).is_symlink():
            inside(directory, name, what="the description's", boundary=boundary)


def digest(directory: Path, boundary: Path | None = None) -> str:
    """Return the SHA-256 over names, kinds, executable bits, link targets and contents of all files below.

    Left out: ``.git`` at any depth, and the lock file beside the description, which answers it. Order and result
    depend on nothing but the content: not on owner, times, umask or the place of the folder. A link right in the
    folder that leads elsewhere within ``boundary`` counts with what it leads to, any other by its target's name.

    Raises:
        DescriptionError: a file is neither regular, a link nor a folder, or cannot be read.
    """
    total = hashlib.sha256()
    for name, path in sorted(_entries(directory)):
        total.update(b"\0".join((os.fsencode(name), *_facts(path), *_linked(path, directory, boundary))) + b"\n")
    return total.hexdigest()


def _entries(directory: Path) -> Iterator[tuple[str, Path]]:
    def fail(error: OSError) -> None:
        raise DescriptionError("a folder of the description cannot be read", where=str(error.filename)) from error

    for top, folders, files in os.walk(directory, onerror=fail):
        if ".git" in folders:
            folders.remove(".git")
        relative = Path(top).relative_to(directory)
        for name in (*folders, *files):
            if name == ".git" or (relative == Path() and name == LOCK_FILE):
                continue
            yield str(relative / name), Path(top) / name


def _facts(path: Path) -> tuple[bytes, ...]:
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return (b"link", os.fsencode(path.readlink()))
        if stat.S_ISDIR(mode):
            return (b"folder",)
        if stat.S_ISREG(mode):
            return (b"program" if mode & stat.S_IXUSR else b"file", sha256_file(path).encode())
    except OSError as error:
        raise DescriptionError("a file of the description cannot be read", where=str(path)) from error
    raise DescriptionError(
        "the description's folder holds a device, socket or pipe",
        where=str(path),
        hint="remove it: such a file cannot be part of a git repository either",
    )


def _linked(path: Path, directory: Path, boundary: Path | None) -> tuple[bytes, ...]:
    """Return the facts of what a link right in the folder leads to, if that is elsewhere in the checkout."""
    if boundary is None or path.parent != directory or not path.is_symlink():
        return ()
    if not path.exists() or _within(path, directory) or not _within(path, boundary):
        return ()
    target = path.resolve()
    return (digest(target).encode(),) if target.is_dir() else _facts(target)


def _within(path: Path, boundary: Path) -> bool:
    try:
        return path.resolve().is_relative_to(boundary.resolve())
    except (OSError, RuntimeError):  # a link that leads to itself
        return False
