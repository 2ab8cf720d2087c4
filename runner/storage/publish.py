# SPDX-License-Identifier: Apache-2.0
"""Publish a release: everything is uploaded first, then one create-only object makes it visible.

A publisher may die anywhere: before that object nothing shows, after it all is there; running it again converges.
Two publishers may race: the number of a channel's next entry is taken by whoever creates it.
"""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from runner.digest import canonical_json
from runner.errors import NotInStorageError, StorageError, UsageError
from runner.storage import catalog, keys
from runner.storage.api import Progress, silent
from runner.storage.records import MAX_MANIFEST, BuildRecord, Commit, StorageFormat, StoredFile
from runner.storage.release import ReleaseFiles, read_release

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.storage.api import Storage

_AT_ONCE = 8
_MOST_RACES = 1000
_MOST_ATTESTATIONS = 100
_LOOKED_BACK = 24
"""Commits: a publisher that was stopped for a while finds others' releases before its own."""


@dataclass(frozen=True, slots=True)
class PackageBlob:
    """A locked package file to mirror, so that the lock builds for ever. ``size`` in bytes."""

    path: Path
    sha256: str
    size: int
    name: str


@dataclass(frozen=True, slots=True)
class Published:
    """Where a release is now.

    Attributes:
        number: its place in the channel.
        created: False when the channel's newest entry was this release already.
        key: the entry's key in the storage at ``url``.
        uploaded: bytes sent; what the storage had before is not sent again.
        reused: how many files and packages it had.
    """

    url: str
    image: str
    version: str
    channel: str
    number: int
    manifest: str
    key: str
    created: bool
    uploaded: int
    reused: int


def publish_release(
    storage: Storage,
    release_dir: Path,
    *,
    channel: str,
    packages: Iterable[PackageBlob] = (),
    mirror_packages: bool = True,
    once: bool = False,
    token: str | None = None,
    progress: Progress = silent,
) -> Published:
    """Publish the release in ``release_dir`` as the newest of ``channel``.

    With ``once`` a build that is the newest of the channel already is not published again, though its manifest
    may be another one: that of another machine which was given the same work. An older one is: somebody went back
    to it. ``token`` names the publication itself, whoever carries it out how often: it is made once, though others
    may have published since.

    Raises:
        UsageError: no release there, or names that cannot be published.
        IntegrityError: a file is not what its digest says, here or in the storage.
        StorageError: the storage cannot be reached, refuses, or cannot decide a race.
    """
    keys.checked_channel(channel)
    release = read_release(release_dir)
    claim(storage)
    blobs = _blobs(release, packages if mirror_packages else ())
    sent = _Uploader(storage, progress).run(blobs)
    manifest, image = release.manifest, release.view.image
    _attest(storage, release)
    storage.put_if_absent(keys.manifest(image.name, manifest.sha256), release.manifest_bytes)
    _record_build(storage, release)
    key = release.view.build.key if once else None
    commit, created = _commit(storage, release, channel, key=key, token=token)
    return Published(
        url=storage.url,
        image=image.name,
        version=image.version,
        channel=channel,
        number=commit.number,
        manifest=commit.manifest.sha256,
        key=keys.commit(image.name, channel, commit.number),
        created=created,
        uploaded=sum(blob.size for blob in sent),
        reused=len(blobs) - len(sent),
    )


def claim(storage: Storage) -> None:
    """Make a fresh storage ours, and prove that a release can be published there.

    Nothing is written but ``v1/format.json`` where it is missing: a cheap test to run before a build.

    Raises:
        StorageError: it cannot be reached, refuses to be read or written, or ignores create-only writes, which no
            lease could replace.
    """
    fresh = canonical_json(StorageFormat(id=str(uuid.uuid4())))
    try:
        catalog.read_format(storage)
    except NotInStorageError:
        storage.put_if_absent(keys.FORMAT, fresh)
    found = catalog.read_format(storage)
    # the same bytes again do no harm where the condition is ignored; twice, as a lost answer looks like a success
    if all(storage.put_if_absent(keys.FORMAT, canonical_json(found)) for _ in range(2)):
        raise StorageError(
            "the storage does not honour create-only writes (If-None-Match: *)",
            where=storage.url,
            why="two publishers could overwrite each other's release",
            hint="use a server that has them (AWS S3, MinIO, Ceph, SeaweedFS, R2), or a directory",
        )


def _blobs(release: ReleaseFiles, packages: Iterable[PackageBlob]) -> list[PackageBlob]:
    """All files to store, each digest once, the largest first: they take longest."""
    files = [
        PackageBlob(release.directory / name, stored.sha256, stored.size, name)
        for name, stored in release.files.items()
    ]
    unique = {blob.sha256: blob for blob in (*packages, *files)}
    return sorted(unique.values(), key=lambda blob: (-blob.size, blob.sha256))


class _Cancelled(Exception):  # noqa: N818 - a signal between threads, never seen outside
    pass


class _Uploader:
    """Stores blobs, a few at once; the first failure or Ctrl-C stops the others at their next piece."""

    def __init__(self, storage: Storage, progress: Progress) -> None:
        self._storage = storage
        self._progress = progress
        self._stop = threading.Event()
        self._first: BaseException | None = None

    def run(self, blobs: list[PackageBlob]) -> list[PackageBlob]:
        """Return those that had to be sent."""
        with ThreadPoolExecutor(_AT_ONCE, "upload") as pool:
            futures = [pool.submit(self._store, blob) for blob in blobs]
            try:
                new = [future.result() for future in futures]
            except BaseException as error:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                if isinstance(error, _Cancelled) and self._first is not None:
                    raise self._first from None
                raise
        return [blob for blob, sent in zip(blobs, new, strict=True) if sent]

    def _store(self, blob: PackageBlob) -> bool:
        try:
            return self._storage.put_blob(blob.path, blob.sha256, blob.size, self._report)
        except _Cancelled:
            raise
        except OSError as error:
            self._first = UsageError(f"{blob.name} cannot be read", where=str(blob.path), why=error.strerror)
            self._stop.set()
            raise self._first from error
        except BaseException as error:
            self._first = self._first or error
            self._stop.set()
            raise

    def _report(self, name: str, moved: int, size: int, /) -> None:
        if self._stop.is_set():
            raise _Cancelled
        self._progress(name, moved, size)


def _attest(storage: Storage, release: ReleaseFiles) -> None:
    """Add the attestations under the next free number, unless they are there."""
    if release.attestation is None:
        return
    data = (release.directory / release.attestation).read_bytes()
    for number in range(1, _MOST_ATTESTATIONS):
        key = keys.attestation(release.manifest.sha256, number)
        if storage.put_if_absent(key, data) or storage.get(key, MAX_MANIFEST) == data:
            return
    raise StorageError(f"this release has {_MOST_ATTESTATIONS} attestations already", where=storage.url)


def _record_build(storage: Storage, release: ReleaseFiles) -> None:
    key, image = release.view.build.key, release.view.image.name
    if key is None:
        return
    manifest = StoredFile(sha256=release.manifest.sha256, size=release.manifest.size)
    storage.put_if_absent(
        keys.build(image, key), canonical_json(BuildRecord(key=key, image=image, manifest=manifest))
    )


def _commit(
    storage: Storage, release: ReleaseFiles, channel: str, *, key: str | None, token: str | None
) -> tuple[Commit, bool]:
    """Make the release visible: create the channel's next entry, or find that it is there already."""
    image = release.view.image
    earlier = _made_before(storage, image.name, channel, token) if token else None
    if earlier is not None:
        return earlier, False
    newest = catalog.newest(storage, image.name, channel)
    draft = Commit(
        image=image.name,
        version=image.version,
        channel=channel,
        number=0,
        manifest=release.manifest,
        files=release.files,
        published=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        build=release.view.build.key,
        token=token,
    )
    for _ in range(_MOST_RACES):
        if newest is not None and _is_same(newest, release, key, token):
            return newest, False
        number = newest.number + 1 if newest else 1
        ours = msgspec.structs.replace(draft, number=number)
        if storage.put_if_absent(keys.commit(image.name, channel, number), canonical_json(ours)):
            return ours, True
        newest = catalog.commit_at(storage, image.name, channel, number)  # lost the race: what did the winner put?
    raise StorageError(f"channel {channel} never came to rest", where=storage.url, hint="publish again")


def _is_same(commit: Commit, release: ReleaseFiles, key: str | None, token: str | None) -> bool:
    return (
        commit.manifest.sha256 == release.manifest.sha256
        or (key is not None and commit.build == key)
        or (token is not None and commit.token == token)
    )


def _made_before(storage: Storage, image: str, channel: str, token: str) -> Commit | None:
    """Return the commit of the publication ``token`` if it is among the newest of the channel."""
    newest = islice(catalog.history(storage, image, channel), _LOOKED_BACK)
    return next((commit for commit in newest if commit.token == token), None)
