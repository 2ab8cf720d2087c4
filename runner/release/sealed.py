# SPDX-License-Identifier: Apache-2.0
"""Read a directory that somebody else may have filled: plain files only, through no link and by no path."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.errors import Location, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # non-blocking: a FIFO must not hang us
_MOST_NAMES = 4096
"""A release has a dozen files; a directory with more than this is not one."""


class SealedDirectory:
    """The plain files of one directory, reached through its descriptor so that a rename cannot swap it.

    Attributes:
        names: everything in it; all are plain files.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self.names = self._list()

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[SealedDirectory]:
        """Open ``path``.

        Raises:
            VerificationError: not a directory, too many names, or something in it that is not a plain file.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise VerificationError(
                "the release directory cannot be read", where=Location(path), why=error.strerror
            ) from error
        try:
            yield cls(path, descriptor)
        finally:
            os.close(descriptor)

    def read(self, name: str, limit: int) -> bytes:
        """Return the content of a small file.

        Raises:
            VerificationError: missing, not a plain file, or larger than ``limit`` bytes.
        """
        with self._stream(name) as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise self._refuse(name, f"larger than {limit} bytes")
        return data

    def digest(self, name: str, size: int) -> str:
        """Return the SHA-256 of a file that must be ``size`` bytes long.

        Raises:
            VerificationError: missing, not a plain file, or of another size.
        """
        with self._stream(name) as stream:
            found = os.fstat(stream.fileno()).st_size
            if found != size:  # before reading: a wrong file of a terabyte costs nothing
                raise self._refuse(name, f"{found} bytes long, {size} expected")
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def _list(self) -> frozenset[str]:
        with os.scandir(self._descriptor) as entries:
            names: set[str] = set()
            for entry in entries:
                if not entry.is_file(follow_symlinks=False):
                    raise self._refuse(entry.name, _kind(entry))
                names.add(entry.name)
                if len(names) > _MOST_NAMES:
                    raise VerificationError("too many files to be a release", where=Location(self._path))
        return frozenset(names)

    @contextmanager
    def _stream(self, name: str) -> Iterator[BufferedReader]:
        if name not in self.names:  # also settles names with a slash: no listing has them
            raise self._refuse(name, "missing")
        try:
            descriptor = os.open(name, _OPEN, dir_fd=self._descriptor)
        except OSError as error:
            raise self._refuse(name, error.strerror or "unreadable") from error
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise self._refuse(name, "not a plain file")
            yield stream

    def _refuse(self, name: str, why: str) -> VerificationError:
        return VerificationError(f"{name!r} is refused", where=Location(self._path), why=f"it is {why}")


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "a symbolic link"
    return "a directory" if entry.is_dir(follow_symlinks=False) else "a special file"
