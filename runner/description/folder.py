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
    depend on nothing but the content: not on owner, times, umask or the place of the folder. A link that leads
    elsewhere within ``boundary`` counts with what it leads to, and so do the links in that; any other counts by
    its target's name.

    Raises:
        DescriptionError: a file is neither regular, a link nor a folder, or cannot be read.
    """
    total = hashlib.sha256()
    top = directory.resolve()
    places = [directory]
    for place in places:  # which grows on the way
        for name, path in sorted(_entries(place, top / LOCK_FILE)):
            total.update(b"\0".join((os.fsencode(name), *_facts(path))) + b"\n")
            target = _elsewhere(path, boundary)
            if target is not None and not any(target.is_relative_to(known) for known in (top, *places[1:])):
                places.append(target)
        total.update(b"\0" if len(places) > 1 else b"")  # one place ends, the next begins
    return total.hexdigest()


def _entries(directory: Path, lock: Path) -> Iterator[tuple[str, Path]]:
    """Yield everything below ``directory`` but ``lock`` by its name in it; of a file that alone, by no name."""

    def fail(error: OSError) -> None:
        raise DescriptionError("a folder of the description cannot be read", where=str(error.filename)) from error

    if not directory.is_dir():
        yield "", directory
        return
    for top, folders, files in os.walk(directory, onerror=fail):
        if ".git" in folders:
            folders.remove(".git")
        relative = Path(top).relative_to(directory)
        for name in (*folders, *files):
            if name == ".git" or (name == LOCK_FILE and (Path(top) / name).resolve() == lock):
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


def _elsewhere(path: Path, boundary: Path | None) -> Path | None:
    """Return what the link ``path`` leads to, if that is there and within ``boundary``."""
    if boundary is None or not path.is_symlink() or not _within(path, boundary) or not path.exists():
        return None
    return path.resolve()


def _within(path: Path, boundary: Path) -> bool:
    try:
        return path.resolve().is_relative_to(boundary.resolve())
    except (OSError, RuntimeError):  # a link that leads to itself
        return False
