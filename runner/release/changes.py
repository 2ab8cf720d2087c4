# SPDX-License-Identifier: Apache-2.0
"""What a release has that the one before it in its channel had not: packages, and sizes of files.

A file of its own beside the manifest, which has its digest and the numbers; the two builds' locks are compared by
package, their artifacts by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from runner.errors import Location, VerificationError
from runner.packages.compare import PackageChange, compare
from runner.release.manifest import Strict
from runner.release.wire import Count, FileName, Sha256, Size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.packages.lock import LockedPackage

MEDIA_TYPE = "application/vnd.packhouse.changes.v1+json"


class PreviousRelease(Strict, frozen=True, kw_only=True):
    """What is compared with: ``manifest`` is its identity, ``number`` its place in the channel, 0 for none."""

    manifest: Sha256
    version: str
    number: Count = 0


class FileChange(Strict, frozen=True, kw_only=True):
    """A file of the result, in bytes: none ``before`` for a new one, none ``after`` for one that is gone."""

    name: FileName
    before: Size
    after: Size

    @property
    def by(self) -> int:
        return self.after - self.before


class Changes(Strict, frozen=True, kw_only=True):
    """The whole file. ``packages`` by name; ``files`` has every file of both, the same size or not."""

    schema: Literal["urn:packhouse:schema:changes:v1"]
    previous: PreviousRelease
    packages: tuple[PackageChange, ...]
    files: tuple[FileChange, ...]

    @property
    def added(self) -> int:
        return sum(not change.before for change in self.packages)

    @property
    def removed(self) -> int:
        return sum(not change.after for change in self.packages)

    @property
    def updated(self) -> int:
        return len(self.packages) - self.added - self.removed

    @property
    def size_delta(self) -> int:
        return sum(file.by for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """A release to compare with: ``files`` by name, with their sizes in bytes."""

    release: PreviousRelease
    packages: tuple[LockedPackage, ...]
    files: dict[str, int]


def changes_since(
    previous: Previous, *, version: str, packages: Iterable[LockedPackage], files: Mapping[str, int]
) -> Changes:
    """Compare a release of ``version`` with ``previous``."""
    return Changes(
        schema="urn:packhouse:schema:changes:v1",
        previous=previous.release,
        packages=compare(previous.packages, packages),
        files=_files(previous, version, files),
    )


def _files(previous: Previous, version: str, files: Mapping[str, int]) -> tuple[FileChange, ...]:
    """Pair files by their name without the version, which is in most of them."""
    old = {name.replace(previous.release.version, "…"): name for name in previous.files}
    new = {name.replace(version, "…"): name for name in files}
    return tuple(
        FileChange(
            name=new[key] if key in new else old[key],
            before=previous.files[old[key]] if key in old else 0,
            after=files[new[key]] if key in new else 0,
        )
        for key in sorted(old.keys() | new.keys())
    )


def encode_changes(changes: Changes) -> bytes:
    """Return the one file form of ``changes``: sorted keys, two spaces, a line feed at the end."""
    return msgspec.json.format(msgspec.json.encode(changes, order="sorted"), indent=2) + b"\n"


def decode_changes(data: bytes, *, where: str = "changes") -> Changes:
    """Parse what :func:`encode_changes` made.

    Raises:
        VerificationError: it is not JSON, or has another form.
    """
    try:
        return msgspec.json.decode(data, type=Changes)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise VerificationError(
            "the list of changes cannot be read", where=Location(where), why=str(error)
        ) from error
