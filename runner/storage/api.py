# SPDX-License-Identifier: Apache-2.0
"""What a storage can do: keep immutable objects under keys, and decide a race by create-only writes.

Nothing is ever overwritten or deleted through this protocol. Publishing, fetching and resuming are built on it
once, so a new storage is one small module beside those in :mod:`runner.storage.backends`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runner.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path


class TransientStorageError(StorageError):
    """The storage failed in a way that may pass: cut connection, time-out, throttling. The caller may go on."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """A stored object: size in bytes, and its SHA-256 (hexadecimal) where the storage keeps one."""

    key: str
    size: int
    sha256: str | None = None


class Progress(Protocol):
    """Told of each piece moved: name of the file, bytes moved now, size of the whole; from several threads.

    An exception raised here stops the transfer: that is how one is cancelled.
    """

    def __call__(self, name: str, moved: int, size: int, /) -> None: ...


def silent(_name: str, _moved: int, _size: int, /) -> None:
    """Report progress to nobody."""


class Storage(Protocol):
    """A bucket or directory of immutable objects. Methods may be called from several threads.

    All raise :class:`StorageError` with a hint when the storage cannot be reached or refuses, in bounded time.
    """

    @property
    def url(self) -> str:
        """Where this is, for people: never with credentials."""

    def put_blob(self, path: Path, sha256: str, size: int, progress: Progress = silent) -> bool:
        """Store the file at ``path`` under its digest; False when it was there already.

        Raises:
            IntegrityError: the file is not what ``sha256`` and ``size`` promise, or the stored object is not.
        """

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Create ``key`` whole or not at all, atomically among all writers; False when it exists."""

    def get(self, key: str, max_bytes: int) -> bytes:
        """Return a small object.

        Raises:
            NotInStorageError: there is no such object.
            IntegrityError: it is larger than ``max_bytes``.
        """

    def head(self, key: str) -> ObjectInfo | None:
        """Return what is known of ``key``, or None when it does not exist."""

    def list(self, folder: str) -> Iterator[str]:
        """Yield the names directly under ``folder``; it and the names of its sub-folders end with a slash."""

    def stream(self, key: str, offset: int = 0) -> Generator[bytes, None, None]:
        """Yield the object's bytes from ``offset`` on, in pieces.

        Raises:
            NotInStorageError: there is no such object.
            TransientStorageError: it was cut; ask again from where it stopped.
        """
