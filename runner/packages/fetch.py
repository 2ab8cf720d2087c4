# SPDX-License-Identifier: Apache-2.0
"""Get every locked file into the store: from the store, else our own storage, else its mirror. Never twice.

Bytes are hashed while they are written; nothing enters the store that is not what the lock says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from runner.errors import FetchError, IntegrityError, StorageError
from runner.packages.api import PackageFile
from runner.redact import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import urllib3

    from runner.packages.lock import Lock, LockedPackage
    from runner.packages.mirrors import Mirrors
    from runner.store import BlobStore

_CONNECTIONS = 12
_ATTEMPTS = 3
_CHUNK = 1 << 18


BlobSource = Callable[[str, int], Iterator[bytes]]
"""Our own storage as a source of package files: sha256 and size to the file's bytes; raises a StorageError."""


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
        storage: our own storage to look in before the mirror, if there is one.
    """

    blobs: BlobStore
    mirrors: Mirrors
    description: Path
    storage: BlobSource | None = None

    def fetch(self, lock: Lock, report: Callable[[Progress], None] | None = None) -> tuple[PackageFile, ...]:
        """Return every package of ``lock`` with its file in the store.

        Raises:
            FetchError: a file is nowhere to be had.
            IntegrityError: a source has another file under its name, and no other source has the right one.
        """
        missing = [package for package in lock.packages if not self.blobs.has(package.sha256, package.size)]
        if missing:
            self._fetch_all(lock, missing, report)
        return tuple(PackageFile(package, self.blobs.path(package.sha256)) for package in lock.packages)

    def _fetch_all(
        self, lock: Lock, missing: Sequence[LockedPackage], report: Callable[[Progress], None] | None
    ) -> None:
        bases = {repository.id: self.mirrors.resolve(repository.uri) for repository in lock.repositories}
        total = sum(package.size for package in missing)
        pool = _connection_pool()
        # Largest first: the longest transfer should not be the last to start.
        ordered = sorted(missing, key=lambda package: -package.size)
        with ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="fetch") as workers:
            running = {workers.submit(self._fetch_one, package, bases, pool): package for package in ordered}
            pending = set(running)
            try:
                while pending:
                    done, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
                    for future in done:
                        future.result()
                    if report is not None:
                        finished = [package for future, package in running.items() if future not in pending]
                        size = sum(package.size for package in finished)
                        report(Progress(len(finished), len(missing), size, total))
            except BaseException:
                workers.shutdown(wait=False, cancel_futures=True)
                raise

    def _fetch_one(self, package: LockedPackage, bases: dict[str, str], pool: urllib3.PoolManager) -> None:
        if self._from_storage(package):
            return
        if package.repository not in bases:
            raise FetchError(f"{package.name} is locked to the unknown repository {package.repository!r}")
        base = bases[package.repository]
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._store(package, self._open(package, base, pool))
            except IntegrityError:
                # A cut or stale answer of a proxy looks like this too; a second one is the truth.
                if attempt == _ATTEMPTS:
                    raise
            except FetchError:
                raise
            except _transport_errors() as error:
                if attempt == _ATTEMPTS:
                    raise FetchError(
                        f"cannot fetch {package.name} {package.version}",
                        where=strip_credentials(f"{base}/{package.path}"),
                        why=_short(error),
                        hint="check the network, or choose another mirror with --mirror NAME=URL",
                    ) from error
            else:
                return
            time.sleep(0.3 * attempt)

    def _from_storage(self, package: LockedPackage) -> bool:
        if self.storage is None:
            return False
        try:
            self._store(package, self.storage(package.sha256, package.size))
        except (IntegrityError, StorageError):
            return False  # not there, or damaged: no reason to fail while the mirror has the file
        return True

    def _store(self, package: LockedPackage, chunks: Iterable[bytes]) -> None:
        name = f"{package.name} {package.version} ({package.path})"
        self.blobs.add(chunks, sha256=package.sha256, size=package.size, name=name)

    def _open(self, package: LockedPackage, base: str, pool: urllib3.PoolManager) -> Iterator[bytes]:
        parts = urlsplit(base)
        if parts.scheme in {"", "file", "dir", "this"}:
            folder = self.description / (parts.netloc + parts.path).lstrip("/")
            local = folder if parts.scheme == "this" else Path(unquote(parts.path))
            return _read_file(local / package.path, package)
        return _read_url(f"{base}/{quote(package.path)}", package, pool)


def _read_file(path: Path, package: LockedPackage) -> Iterator[bytes]:
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise _gone(package, str(path)) from None
    with stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _read_url(url: str, package: LockedPackage, pool: urllib3.PoolManager) -> Iterator[bytes]:
    response = pool.request("GET", url, preload_content=False)
    try:
        if response.status in {404, 410}:
            raise _gone(package, strip_credentials(url))
        if response.status >= 500 or response.status == 429:  # noqa: PLR2004  # the retryable HTTP classes
            raise OSError(f"the server answered {response.status} {response.reason}")
        if response.status != 200:  # noqa: PLR2004
            raise FetchError(
                f"cannot fetch {package.name} {package.version}",
                where=strip_credentials(url),
                why=f"the server answered {response.status} {response.reason}",
                hint="choose another mirror with --mirror NAME=URL",
            )
        yield from response.stream(_CHUNK)
    finally:
        response.close()


def _gone(package: LockedPackage, place: str) -> FetchError:
    return FetchError(
        f"{package.name} {package.version} is locked, and no source has it any more",
        where=place,
        why="mirrors drop old versions when newer ones come",
        hint="refresh the lock with: packhouse lock SOURCE --update",
    )


def _connection_pool() -> urllib3.PoolManager:
    import urllib.request

    import urllib3

    proxies = urllib.request.getproxies()
    proxy = proxies.get("https") or proxies.get("http")
    timeout = urllib3.Timeout(connect=10, read=30)
    if proxy:
        return urllib3.ProxyManager(proxy, maxsize=_CONNECTIONS, timeout=timeout, retries=False)
    return urllib3.PoolManager(maxsize=_CONNECTIONS, timeout=timeout, retries=False)


def _transport_errors() -> tuple[type[Exception], ...]:
    import urllib3

    return (urllib3.exceptions.HTTPError, OSError)


def _short(error: Exception) -> str:
    return strip_credentials(str(getattr(error, "reason", None) or error))
