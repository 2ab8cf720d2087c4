# SPDX-License-Identifier: Apache-2.0
"""The small JSON objects of a storage. Readers ignore unknown fields, so that later releases may add some."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from runner.errors import IntegrityError

MAX_RECORD = 1 << 20
"""Bytes; no record comes near."""
MAX_MANIFEST = 16 << 20
"""Bytes of the largest manifest read into memory."""

FORMAT_VERSION: Final = 1
FORMAT_SCHEMA: Final = "urn:packhouse:schema:storage:v1"
COMMIT_SCHEMA: Final = "urn:packhouse:schema:commit:v1"
BUILD_SCHEMA: Final = "urn:packhouse:schema:build:v1"


class StorageFormat(msgspec.Struct, frozen=True, kw_only=True):
    """``v1/format.json``. ``id`` tells one repository from another, also after it moved."""

    schema: str = FORMAT_SCHEMA
    version: int = FORMAT_VERSION
    id: str


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a release: its bytes are the blob of that digest. ``size`` in bytes."""

    sha256: str
    size: int


class ManifestReference(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the files is the manifest."""

    name: str
    sha256: str
    size: int


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a channel: the only object that makes a release visible.

    Attributes:
        number: counts from 1 in each channel without a gap; the highest is what the channel holds now.
        files: every file of the release by name, the manifest among them.
        published: RFC 3339 UTC.
        build: the release's build key; None where it has none, and in commits of old.
        token: who publishes under the same one again finds this commit and makes no other; None without.
    """

    schema: str = COMMIT_SCHEMA
    image: str
    version: str
    channel: str
    number: int
    manifest: ManifestReference
    files: dict[str, StoredFile]
    published: str
    build: str | None = None
    token: str | None = None


class BuildRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest that was published first for a build key: another machine need not build it again."""

    schema: str = BUILD_SCHEMA
    key: str
    image: str
    manifest: StoredFile


class FileDigests(msgspec.Struct, frozen=True):
    sha256: str


class ManifestArtifact(msgspec.Struct, frozen=True):
    """What publishing needs of an artifact in a manifest."""

    name: str
    size: int
    digest: FileDigests


class ManifestImage(msgspec.Struct, frozen=True):
    name: str
    version: str


class ManifestBuild(msgspec.Struct, frozen=True):
    key: str | None = None


class ManifestView(msgspec.Struct, frozen=True):
    """The few fields of a build manifest that a storage looks at."""

    image: ManifestImage
    build: ManifestBuild = ManifestBuild()
    artifacts: tuple[ManifestArtifact, ...] = ()


Record = TypeVar("Record", bound=msgspec.Struct)


def decode(data: bytes, kind: type[Record], where: str) -> Record:
    """Read ``data`` strictly as ``kind``; ``where`` names it in the error.

    Raises:
        IntegrityError: not JSON, or not of that shape.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(f"{where} is not readable", why=str(error)) from error
