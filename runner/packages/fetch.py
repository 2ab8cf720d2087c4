# SPDX-License-Identifier: Apache-2.0
"""Get every locked file into the store: from the store, else our own storages, else its mirror. Never twice.

Bytes are hashed while they are written; nothing enters the store that is not what the lock says.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.errors import FetchError, IntegrityError, PackhouseError, StorageError
from runner.packages.api import PackageFile
from runner.packages.credentials import Credentials, split_login
from runner.packages.places import local_folder
from runner.packages.proxies import Proxies
from runner.packages.transport import RedirectError, StatusError, Transport, network_errors
from runner.redact import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from runner.packages.credentials import Login
    from runner.packages.lock import Lock, LockedPackage, LockedRepository
    from runner.packages.mirrors import Mirrors
    from runner.store import BlobStore

_CONNECTIONS = 12
_ATTEMPTS = 3
_CHUNK = 1 << 18
_GONE = frozenset({404, 410})
_NEEDS_LOGIN = frozenset({401, 403, 407})
_TOO_MANY = 429
_SERVER_FAILED = 500
_FAREWELL = 0.4
"""Seconds that unfinished downloads get to tidy up after a failure."""

BlobSource = Callable[[str, int], Iterator[bytes]]
"""A storage of ours as a source of package files: sha256 and size to the file's bytes; raises a StorageError."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the fetch is: files and bytes, done and in all."""

    files: int
    of_files: int
    size: int
    of_size: int


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches the files of a lock.

    Attributes:
        description: folder that ``this://`` repositories are relative to.
        storages: our own storages to look in, one after the other, before the mirror.
        credentials: logins of repositories; its environment names the proxies too.
    """

    blobs: BlobStore
    mirrors: Mirrors
    description: Path
    storages: tuple[BlobSource, ...] = ()
    credentials: Credentials = field(default_factory=Credentials)

    def fetch(self, lock: Lock, report: Callable[[Progress], None] | None = None) -> tuple[PackageFile, ...]:
        """Return every package of ``lock`` with its file in the store.

        Raises:
            FetchError: a file is nowhere to be had.
            IntegrityError: a source has another file under its name, and no other source has the right one.
            HostError: the store cannot be written to.
        """
        missing = {p.sha256: p for p in lock.packages if not self.blobs.has(p.sha256, p.size)}
        for package in lock.packages:
            if package.sha256 not in missing:
                self.blobs.touch(package.sha256)  # in use: not to be evicted next
        if missing:
            _Download(self, lock, list(missing.values())).run(report)
        return tuple(PackageFile(package, self.blobs.path(package.sha256)) for package in lock.packages)

    def place_of(self, repository: LockedRepository) -> _Place:
        """Where a repository is now."""
        url = self.mirrors.resolve(repository.uri)
        login = self.credentials.login_for(repository.id, repository.uri, url)
        return _Place(split_login(url)[0], local_folder(url, self.description), login)


@dataclass(frozen=True, slots=True)
class _Place:
    """A repository's address without login; its folder when it is on this machine."""

    url: str
    folder: Path | None
    login: Login | None


class _StoppedError(Exception):
    """Another download failed, or the user gave up."""


class _Download:
    """Downloads of missing files. Its threads never outlive an interrupted command: they are daemons."""

    def __init__(self, fetcher: Fetcher, lock: Lock, missing: Sequence[LockedPackage]) -> None:
        self._fetcher = fetcher
        self._places: Mapping[str, _Place] = {each.id: fetcher.place_of(each) for each in lock.repositories}
        self._transport = Transport(Proxies.of(fetcher.credentials.env), _CONNECTIONS)
        self._packages = missing
        # Largest first: the longest transfer should not be the last to start.
        self._waiting = deque(sorted(missing, key=lambda package: -package.size))
        self._ended: SimpleQueue[LockedPackage | BaseException] = SimpleQueue()
        self._stop = threading.Event()

    def run(self, report: Callable[[Progress], None] | None) -> None:
        count = min(_CONNECTIONS, len(self._packages))
        threads = [threading.Thread(target=self._work, name=f"fetch-{n}", daemon=True) for n in range(count)]
        try:
            for thread in threads:
                thread.start()
            self._wait(report)
        except BaseException:
            self._stop.set()
            for thread in threads:
                if thread.ident is not None:
                    thread.join(_FAREWELL / count)
            raise

    def _wait(self, report: Callable[[Progress], None] | None) -> None:
        total = sum(package.size for package in self._packages)
        files = size = 0
        while files < len(self._packages):
            try:
                ended = self._ended.get(timeout=0.2)
            except Empty:
                continue
            if isinstance(ended, BaseException):
                raise ended
            files, size = files + 1, size + ended.size
            if report is not None:
                report(Progress(files, len(self._packages), size, total))

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                package = self._waiting.popleft()
                self._fetch_one(package)
                self._ended.put(package)
        except (IndexError, _StoppedError):
            return  # nothing is left, or nobody waits
        except BaseException as error:  # noqa: BLE001  # raised where somebody waits for it
            self._ended.put(error)

    def _fetch_one(self, package: LockedPackage) -> None:
        if any(self._from_storage(package, storage) for storage in self._fetcher.storages):
            return
        place = self._places.get(package.repository)
        if place is None:
            raise FetchError(f"{package.name} is locked to the unknown repository {package.repository!r}")
        for attempt in range(1, _ATTEMPTS + 1):
            failure = self._attempt(package, place)
            if failure is None:
                return
            if attempt == _ATTEMPTS:
                raise failure
            self._stop.wait(0.3 * attempt)

    def _attempt(self, package: LockedPackage, place: _Place) -> PackhouseError | None:
        """Return what is worth another try, None after success; what is not is raised."""
        try:
            self._store(package, self._open(package, place))
        except IntegrityError as error:
            return error  # a cut or stale answer of a proxy looks like this too; a second one is the truth
        except StatusError as error:
            failure = _status_error(package, error)
            if error.status >= _SERVER_FAILED or error.status == _TOO_MANY:
                return failure
            raise failure from error
        except RedirectError as error:
            raise _failure(package, f"{place.url}/{package.path}", str(error)) from error
        except network_errors() as error:
            return _failure(package, f"{place.url}/{package.path}", _short(error))
        return None

    def _from_storage(self, package: LockedPackage, storage: BlobSource) -> bool:
        try:
            self._store(package, storage(package.sha256, package.size))
        except (IntegrityError, StorageError):
            return False  # not there, or damaged: no reason to fail while the mirror has the file
        return True

    def _store(self, package: LockedPackage, chunks: Iterable[bytes]) -> None:
        name = f"{package.name} {package.version} ({package.path})"
        chunks = self._until_stopped(chunks)
        self._fetcher.blobs.add(chunks, sha256=package.sha256, size=package.size, name=name)

    def _until_stopped(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if self._stop.is_set():
                raise _StoppedError
            yield chunk

    def _open(self, package: LockedPackage, place: _Place) -> Iterator[bytes]:
        if place.folder is not None:
            return _read_file(place.folder / package.path, package)
        return self._transport.get(f"{place.url}/{quote(package.path)}", place.login)


def _read_file(path: Path, package: LockedPackage) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except FileNotFoundError:
        raise _gone(package, str(path)) from None
    except OSError as error:  # here, or the store would be blamed for it
        raise FetchError(
            f"cannot read {package.name} {package.version}",
            where=str(path),
            why=error.strerror,
            hint="check the repository's files",
        ) from error


def _status_error(package: LockedPackage, error: StatusError) -> FetchError:
    if error.status in _GONE:
        return _gone(package, error.url)
    if error.status in _NEEDS_LOGIN:
        hint = (
            "the repository or proxy wants another login: see PACKHOUSE_REPOSITORY_<ALIAS>_USERNAME and _PASSWORD"
        )
        return _failure(package, error.url, str(error), hint)
    return _failure(package, error.url, str(error), "choose another mirror with --mirror NAME=URL")


def _failure(package: LockedPackage, url: str, why: str, hint: str = "") -> FetchError:
    return FetchError(
        f"cannot fetch {package.name} {package.version}",
        where=strip_credentials(url),
        why=why,
        hint=hint or "check the network, or choose another mirror with --mirror NAME=URL",
    )


def _gone(package: LockedPackage, place: str) -> FetchError:
    return FetchError(
        f"{package.name} {package.version} is locked, and no source has it any more",
        where=place,
        why="mirrors drop old versions when newer ones come",
        hint="refresh the lock with: packhouse lock SOURCE --update",
    )


def _short(error: Exception) -> str:
    return strip_credentials(str(getattr(error, "reason", None) or error))
