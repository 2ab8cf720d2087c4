# SPDX-License-Identifier: Apache-2.0
"""The Lock: every package by name, version, digest and place: a build needs no solver and no trust in a mirror.

On disk a lock file holds one lock for each different package request of a description, as JSON with sorted keys
and one package a line, so that a change reads well in a diff. The JSON Schema is ``docs/schema/lock.schema.json``.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from runner.digest import digest_of

LOCK_FILE = "packhouse.lock.json"
"""Name of the lock file beside a description."""

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
"""A digest names a file in the store, so a lock that somebody else wrote must not make a path of it."""

RelativePath = Annotated[str, msgspec.Meta(pattern=r"^(?!/)(?!(.*/)?\.\.(/|$))[^\x00-\x1f]+$")]
"""A path below a repository: not absolute, no ``..``."""

Size = Annotated[int, msgspec.Meta(ge=0)]


class LockedRepository(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A package source as it was when the lock was made.

    Attributes:
        uri: as planned: ``mirror://NAME`` stays symbolic so that the lock holds on any mirror.
        index: sha256 of the signed index (``InRelease``, or ``Release`` of an unsigned repository).
        date: the index's own ``Date`` field, RFC 3339 UTC; empty when it has none.
        keys: fingerprints of the keys that signed the index; empty when ``verified`` is false.
        expiry_checked: false when the caller allowed indices past their ``Valid-Until``.
    """

    id: str
    uri: str
    distribution: str
    components: tuple[str, ...]
    index: str
    date: str
    keys: tuple[str, ...]
    verified: bool
    expiry_checked: bool = True


class LockedPackage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One package file. ``path`` is relative to the repository's URI; ``size`` is in bytes.

    ``built`` is when it was built, in seconds since 1970; None in locks of old, which leave it to the file.
    """

    name: str
    version: str
    arch: str
    repository: str
    path: RelativePath
    sha256: Sha256
    size: Size
    source: str
    phase: Literal["bootstrap", "image"]
    reason: Literal["essential", "requested", "dependency"]
    built: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Solver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What resolved the request, and under which policy."""

    name: str
    version: str
    recommends: bool


class Tool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A packing tool present when the lock was made: bytes are promised for equal tools."""

    name: str
    version: str
    digest: str


class Lock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer to one package request.

    Attributes:
        request: digest of the :class:`runner.plan.model.PackageRequest` this answers.
        description: digest of the description it was made from, for the record.
        epoch: seconds since 1970: newest of description commit and package build times; every clamped time.
    """

    request: str
    description: str
    arch: str
    epoch: int
    solver: Solver
    toolchain: tuple[Tool, ...]
    repositories: tuple[LockedRepository, ...]
    packages: tuple[LockedPackage, ...]

    @property
    def digest(self) -> str:
        return digest_of(self)

    @property
    def content_digest(self) -> str:
        """Digest without what changes from day to day though every package is the same."""
        repositories = tuple(msgspec.structs.replace(item, index="", date="") for item in self.repositories)
        return digest_of(msgspec.structs.replace(self, epoch=0, description="", repositories=repositories))
