# SPDX-License-Identifier: Apache-2.0
"""A directory as storage: objects are files, creating one is a hard link, which is atomic also over NFS."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from runner.digest import CHUNK, sha256_file
from runner.errors import IntegrityError, NotInStorageError, StorageError, UsageError
from runner.storage import keys
from runner.storage.api import ObjectInfo, Progress, silent
from runner.storage.durable import make_directories, sync_directory

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from runner.storage.location import Location

_STALE = 3600.0
"""Seconds after which an unlocked temporary file is the leftover of a killed writer."""
_HINTS = {
    errno.ENOSPC: "free space there, then run the same command again",
    errno.EDQUOT: "raise the quota or free space, then run the same command again",
    errno.EACCES: "let this user write there, or choose another directory",
    errno.EPERM: "use a file system that has hard links, and let this user write there",
    errno.EROFS: "choose a directory that can be written",
}


def connect(location: Location) -> DirectoryStorage:
    """Return the directory of a ``file:///path`` URL or a plain path; it is created by the first write."""
    location.allow()
    if location.host not in ("", "localhost"):
        raise UsageError(
            f"file://{location.host}… is on another machine", hint="write file:///PATH, or just the path"
        )
    return DirectoryStorage(Path(location.path).expanduser().absolute())


@dataclass(frozen=True, slots=True)
class _NewFile:
    """A file that is being written and has no key yet."""

    path: Path
    file: IO[bytes]

    def publish(self, target: Path) -> bool:
        """Flush to disk and give the key's name; False when that is taken."""
        self.file.flush()
        os.fchmod(self.file.fileno(), 0o644)
        os.fsync(self.file.fileno())
        make_directories(target.parent)
        try:
            os.link(self.path, target)
        except FileExistsError:
            return False
        sync_directory(target.parent)
        return True


class DirectoryStorage:
    """Storage in the directory ``root``. Temporary files live in ``root/.tmp``, which no key can name."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._temporary = root / ".tmp"

    @property
    def url(self) -> str:
        return self._root.as_uri()

    def put_blob(self, path: Path, sha256: str, size: int, progress: Progress = silent) -> bool:
        key = keys.blob(sha256)
        target = self._path(key)
        with self._errors(f"cannot store {path.name}"):
            if target.exists():
                self._check(target, key, sha256, size)
                progress(path.name, size, size)
                return False
            with self._new_file() as new:
                _copy(path, new.file, sha256, size, progress)
                created = new.publish(target)
        if not created:
            self._check(target, key, sha256, size)
        return created

    def put_if_absent(self, key: str, data: bytes) -> bool:
        with self._errors(f"cannot store {key}"), self._new_file() as new:
            new.file.write(data)
            return new.publish(self._path(key))

    def get(self, key: str, max_bytes: int) -> bytes:
        with self._errors(f"cannot read {key}"), self._open(key) as file:
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise IntegrityError(f"{key} is larger than {max_bytes} bytes", where=self.url)
        return data

    def head(self, key: str) -> ObjectInfo | None:
        with self._errors(f"cannot read {key}"):
            try:
                return ObjectInfo(key, self._path(key).stat().st_size)
            except FileNotFoundError:
                return None

    def list(self, folder: str) -> Iterator[str]:
        with self._errors(f"cannot list {folder}"):
            try:
                with os.scandir(self._path(folder.rstrip("/"))) as entries:
                    names = [entry.name + ("/" if entry.is_dir() else "") for entry in entries]
            except FileNotFoundError:
                names = []
        yield from sorted(name for name in names if not name.startswith("."))

    def stream(self, key: str, offset: int = 0) -> Generator[bytes, None, None]:
        with self._errors(f"cannot read {key}"), self._open(key) as file:
            file.seek(offset)
            while piece := file.read(CHUNK):
                yield piece

    def _path(self, key: str) -> Path:
        return self._root / keys.checked_key(key)

    def _open(self, key: str) -> IO[bytes]:
        try:
            return os.fdopen(os.open(self._path(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
        except FileNotFoundError as error:
            raise NotInStorageError(f"{key} is not there", where=self.url) from error

    def _check(self, target: Path, key: str, sha256: str, size: int) -> None:
        if target.stat().st_size != size or sha256_file(target) != sha256:
            raise IntegrityError(
                f"{key} is in the storage with other bytes",
                where=self.url,
                hint="the storage is damaged: check its disk, remove this file, publish again",
            )

    @contextmanager
    def _new_file(self) -> Iterator[_NewFile]:
        """Open a locked temporary file, gone in the end whatever happens."""
        make_directories(self._temporary)
        self._sweep()
        descriptor, name = tempfile.mkstemp(dir=self._temporary)
        path = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield _NewFile(path, file)
        finally:
            path.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what killed writers left: old, and no longer locked by a living process."""
        for path in self._temporary.iterdir():
            try:
                if time.time() - path.stat().st_mtime < _STALE:
                    continue
                with path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink(missing_ok=True)
            except (BlockingIOError, FileNotFoundError, PermissionError):
                continue

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            hint = _HINTS.get(error.errno or 0)
            raise StorageError(what, where=self.url, why=error.strerror or str(error), hint=hint) from error


def _copy(path: Path, file: IO[bytes], sha256: str, size: int, progress: Progress) -> None:
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as source:
        while piece := source.read(CHUNK):
            digest.update(piece)
            file.write(piece)
            done += len(piece)
            progress(path.name, len(piece), size)
    if done != size or digest.hexdigest() != sha256:
        raise IntegrityError(
            f"{path.name} is not what its digest says", why="it changed or was damaged", where=str(path)
        )
