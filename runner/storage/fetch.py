# SPDX-License-Identifier: Apache-2.0
"""Fetch a published release: find it, bring every file by its digest, verify, and only then show it."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.digest import sha256_bytes, sha256_file
from runner.errors import HostError, IntegrityError, PackhouseError, UsageError
from runner.storage import catalog, keys
from runner.storage.api import Progress, silent
from runner.storage.durable import sync_directory
from runner.storage.records import MAX_MANIFEST, Commit, ManifestView, StoredFile, decode
from runner.storage.reference import DEFAULT_CHANNEL
from runner.storage.transfer import download, open_blob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.storage.api import Storage


@dataclass(frozen=True, slots=True)
class Fetched:
    """A release that is now in a directory: ``files`` are paths, the manifest last."""

    commit: Commit
    files: tuple[Path, ...]


def fetch(
    storage: Storage,
    image: str,
    *,
    to: Path,
    channel: str | None = None,
    version: str | None = None,
    verify: Callable[[Path], object] | None = None,
    progress: Progress = silent,
) -> Fetched:
    """Bring the newest release of ``channel`` (or the last of ``version``) into the directory ``to``.

    ``verify`` gets the directory with the whole release before anything of it is shown in ``to``; whatever it
    raises ends the fetch. Identical files in ``to`` are kept, others of these names are replaced.

    Raises:
        NotInStorageError: no such image, channel or version; the hint says what there is.
        IntegrityError: something in the storage is not what its digest says.
        HostError: ``to`` cannot be written.
        StorageError: the storage cannot be reached.
    """
    commit = find(storage, image, channel=channel, version=version)
    _check_manifest(storage, commit)
    try:
        with _staging(to, commit) as staging:
            _fill(storage, commit, staging, to, progress)
            if verify is not None:
                verify(staging)
            _show(staging, to, commit)
    except OSError as error:
        raise HostError(
            f"cannot write {to}", why=error.strerror or str(error), hint="choose another place"
        ) from error
    return Fetched(commit, tuple(to / name for name in _order(commit)))


def find(storage: Storage, image: str, *, channel: str | None = None, version: str | None = None) -> Commit:
    """Return the commit that ``fetch`` would bring: of ``version``, else the newest of ``channel``.

    Raises:
        UsageError: both are given.
        NotInStorageError: no such image, channel or version.
    """
    if version is not None and channel is not None:
        raise UsageError("a release is found by its channel or by its version, not by both")
    if version is not None:
        commit = catalog.by_version(storage, keys.checked_image(image), keys.checked_version(version))
    else:
        commit = catalog.by_channel(storage, keys.checked_image(image), channel or DEFAULT_CHANNEL)
    for name, stored in commit.files.items():
        try:
            keys.checked_file(name)
            keys.checked_digest(stored.sha256)
        except PackhouseError as error:
            raise IntegrityError("the release has a file that must not be written", where=storage.url) from error
    return commit


def package_source(storage: Storage) -> Callable[[str, int], Iterator[bytes]]:
    """Return a function from a package's sha256 and size to its bytes, for the package fetcher.

    Its errors are those of :func:`runner.storage.transfer.open_blob`: NotInStorageError when it is not mirrored.
    """
    return lambda sha256, size: open_blob(storage, sha256, size)


def _check_manifest(storage: Storage, commit: Commit) -> None:
    """Hold the manifest against its digest before anything parses it, then against what was asked for."""
    reference = commit.manifest
    if commit.files.get(reference.name) != StoredFile(sha256=reference.sha256, size=reference.size):
        raise IntegrityError("the manifest is not among the release's files", where=storage.url)
    data = storage.get(keys.blob(reference.sha256), min(MAX_MANIFEST, reference.size))
    if sha256_bytes(data) != reference.sha256:
        raise IntegrityError(f"{reference.name} is not what its digest says", where=storage.url)
    said = decode(data, ManifestView, reference.name).image
    if (said.name, said.version) != (commit.image, commit.version):
        raise IntegrityError(
            f"{commit.image} {commit.version} was asked for, the manifest is of {said.name} {said.version}",
            where=storage.url,
        )


@contextmanager
def _staging(to: Path, commit: Commit) -> Iterator[Path]:
    """A private directory on the file system of ``to``: beside it, or in it when it exists. Gone in the end.

    Its name depends on the release alone, so that a run after a kill takes up what is there.
    """
    if to.exists() and not to.is_dir():
        raise UsageError(f"{to} is not a directory", hint="name a directory to fetch into")
    name = f".fetch-{commit.manifest.sha256[:16]}"
    path = to / name if to.is_dir() else to.with_name(f".{to.name}{name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        owner = os.fstat(descriptor)
        if owner.st_uid != os.geteuid() or owner.st_mode & 0o077:
            raise HostError(f"{path} belongs to somebody else", hint="remove it, or choose another place")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HostError(f"{to} is being fetched into by another process", hint="wait for it to end") from error
        try:
            yield path
        finally:
            if path.exists() and os.path.samestat(path.stat(), owner):
                shutil.rmtree(path)
    finally:
        os.close(descriptor)


def _fill(storage: Storage, commit: Commit, staging: Path, to: Path, progress: Progress) -> None:
    """Bring every file of the release to ``staging``, and nothing else: a killed run may have left some."""
    for path in staging.iterdir():
        if path.name.removesuffix(".partial") not in commit.files:
            path.unlink()
    for name, stored in commit.files.items():
        staged = staging / name
        if _is(staged, stored) or (_is(to / name, stored) and _take(to / name, staged)):
            progress(name, stored.size, stored.size)
        else:
            download(storage, keys.blob(stored.sha256), staged, stored.sha256, stored.size, progress=progress)


def _is(path: Path, stored: StoredFile) -> bool:
    if path.is_symlink() or not path.is_file() or path.stat().st_size != stored.size:
        return False
    return sha256_file(path) == stored.sha256


def _take(there: Path, staged: Path) -> bool:
    """Take a file that is in the target already; where it cannot be linked (another owner's), fetch it."""
    try:
        staged.unlink(missing_ok=True)
        os.link(there, staged)
    except PermissionError:
        return False
    return True


def _show(staging: Path, to: Path, commit: Commit) -> None:
    """Give the verified files their place: a new directory in one step, into an old one file by file."""
    if not to.exists():
        staging.chmod(0o755)
        staging.rename(to)
    else:
        for name in _order(commit):
            (staging / name).replace(to / name)
        sync_directory(to)
    sync_directory(to.parent)


def _order(commit: Commit) -> list[str]:
    """All names, the manifest last: where it is, the rest is."""
    return sorted(commit.files, key=lambda name: (name == commit.manifest.name, name))
