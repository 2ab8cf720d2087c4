# SPDX-License-Identifier: Apache-2.0
"""Download that survives cut connections: resumes where it stopped, hashes as it streams, shows only whole files.

boto3 does not resume a body that is cut in the middle, and no storage can be trusted with the digest: both are
done here, once for all storages.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from runner.digest import CHUNK
from runner.errors import HostError, IntegrityError
from runner.storage import keys
from runner.storage.api import Progress, Storage, TransientStorageError, silent
from runner.storage.durable import partial_file, sync_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STALLS = 4
"""Attempts in a row that bring no byte before we give up."""
_RESUMES = 200
"""Attempts in all: a server that cuts after each byte must not hold us for ever."""


def read(storage: Storage, key: str, size: int, offset: int = 0) -> Iterator[bytes]:
    """Yield exactly the bytes ``offset`` to ``size`` of ``key``, resuming when the connection is cut.

    The digest is the caller's to check.

    Raises:
        NotInStorageError: there is no such object.
        IntegrityError: the object has more bytes than ``size``.
        StorageError: it kept being cut.
    """
    stalls = 0
    for _ in range(_RESUMES):
        start = offset
        try:
            with closing(storage.stream(key, offset)) as pieces:
                for piece in pieces:
                    offset += len(piece)
                    if offset > size:
                        raise IntegrityError(f"{key} is larger than the {size} bytes promised", where=storage.url)
                    yield piece
            cut = TransientStorageError(f"{key} ended after {offset} of {size} bytes", where=storage.url)
        except TransientStorageError as error:
            cut = error
        if offset == size:
            return
        stalls = 0 if offset > start else stalls + 1
        if stalls >= _STALLS:
            raise cut
        time.sleep(0.1 * 2**stalls)
    raise TransientStorageError(f"{key} was cut {_RESUMES} times", where=storage.url, hint="try again later")


def open_blob(storage: Storage, sha256: str, size: int) -> Iterator[bytes]:
    """Yield a blob's bytes; a wrong digest raises at the end, so use nothing of it before it ended well.

    Raises:
        NotInStorageError: the storage has no such blob.
        IntegrityError: its bytes are not those of ``sha256``.
    """
    digest = hashlib.sha256()
    for piece in read(storage, keys.blob(sha256), size):
        digest.update(piece)
        yield piece
    if digest.hexdigest() != sha256:
        raise _tampered(storage, keys.blob(sha256), sha256, digest.hexdigest())


def download(
    storage: Storage,
    key: str,
    to: Path,
    sha256: str,
    size: int,
    *,
    resume: bool = True,
    progress: Progress = silent,
) -> None:
    """Bring ``key`` to the new file ``to``, through ``to`` + ``.partial`` (mode 0600) beside it.

    With ``resume`` a partial file left by an earlier, killed run is continued. A file shows up under its name only
    whole, checked and on disk.

    Raises:
        NotInStorageError: there is no such object.
        IntegrityError: its bytes are not those of ``sha256``; nothing is kept.
        HostError: the file cannot be written here.
        StorageError: the storage cannot be reached or kept cutting.
    """
    partial = to.with_name(to.name + ".partial")
    try:
        with partial_file(partial) as file:
            target = _Target(file, to.name, size, progress)
            if resume:
                target.take_up()
            found = _fill(storage, key, target)
            if found != sha256 and target.resumed:  # what was left here was not the beginning of this file
                target.start_over()
                found = _fill(storage, key, target)
            if found != sha256:
                partial.unlink()
                raise _tampered(storage, key, sha256, found)
            target.finish()
        partial.replace(to)
        sync_directory(to.parent)
    except OSError as error:
        raise HostError(
            f"cannot write {to}", why=error.strerror, hint="free space or choose another place"
        ) from error


@dataclass(slots=True)
class _Target:
    """A file that grows while its digest is computed."""

    file: IO[bytes]
    name: str
    size: int
    progress: Progress
    have: int = 0
    resumed: bool = False
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def take_up(self) -> None:
        """Count and hash what an earlier run left, if it is not longer than the whole."""
        if os.fstat(self.file.fileno()).st_size > self.size:
            return
        while piece := self.file.read(CHUNK):
            self._count(piece)
        self.resumed = self.have > 0

    def start_over(self) -> None:
        self.have, self.resumed, self.digest = 0, False, hashlib.sha256()

    def append(self, piece: bytes) -> None:
        self.file.write(piece)
        self._count(piece)

    def finish(self) -> None:
        """Make the bytes survive a power cut, and readable as a result file is."""
        self.file.flush()
        os.fchmod(self.file.fileno(), 0o644)
        os.fsync(self.file.fileno())

    def _count(self, piece: bytes) -> None:
        self.have += len(piece)
        self.digest.update(piece)
        self.progress(self.name, len(piece), self.size)


def _fill(storage: Storage, key: str, target: _Target) -> str:
    """Bring ``target`` to its whole size and return the digest of all of it."""
    target.file.seek(target.have)
    target.file.truncate()
    if target.have < target.size:
        for piece in read(storage, key, target.size, target.have):
            target.append(piece)
    return target.digest.hexdigest()


def _tampered(storage: Storage, key: str, expected: str, found: str) -> IntegrityError:
    return IntegrityError(
        f"{key} does not hold what its name promises",
        where=storage.url,
        why=f"sha256 is {found}, expected {expected}",
        hint="the storage is damaged or was tampered with: fetch from another copy",
    )
