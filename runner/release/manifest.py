# SPDX-License-Identifier: Apache-2.0
"""The manifest: one immutable JSON file a build, addressed by its SHA-256, that names every other file.

It is also the only place for what differs between two builds of the same bytes: build id, times, log. Unknown
fields are refused, absent optional fields are left out, numbers are integers, paths are relative.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from runner.errors import Location, VerificationError
from runner.packages.lock import Tool
from runner.release.wire import (
    BlobId,
    BuildId,
    Count,
    FileName,
    GitId,
    RelativePath,
    Sha256,
    Size,
    Timestamp,
    Uri,
)

SCHEMA = "urn:packhouse:schema:manifest:v1"
MEDIA_TYPE = "application/vnd.packhouse.manifest.v1+json"

Trigger = Literal["push", "schedule", "manual", "webhook"]
Isolation = Literal["bwrap", "unshare", "chroot"]
Identity = Literal["root", "subuid"]


class Strict(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True
):
    """Base of all manifest structs: camelCase on the wire, nothing unknown, nothing said that is not so."""


class Digest(Strict, frozen=True, kw_only=True):
    sha256: Sha256


class GitDigest(Strict, frozen=True, kw_only=True):
    """``git_commit`` is the commit built; ``git_tree`` the tree of the description's folder in it."""

    git_commit: GitId
    git_tree: GitId | None = None


class BlobRef(Strict, frozen=True, kw_only=True):
    """A file of the release that storage keeps as a content-addressed blob."""

    name: FileName
    blob: BlobId
    size: Size
    media_type: str


Growth = Literal["systemd-repart", "sfdisk"]


class MadeFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of an image only when it is made; see :class:`ImageFacts`."""

    growth: Growth | None = None
    root_hash: Sha256 | None = None


class ImageFacts(Strict, frozen=True, kw_only=True):
    """Who the image is. ``type`` and ``format`` are KIWI's words.

    Attributes:
        release: counts rebuilds of a version.
        growth: what grows the root of a disk when it starts; absent: nothing does.
        root_hash: of a root under dm-verity, which the kernel is told.
    """

    name: str
    version: str
    arch: str
    type: str
    profile: tuple[str, ...]
    format: str | None = None
    release: str | None = None
    growth: Growth | None = None
    root_hash: Sha256 | None = None


class Reproducible(Strict, frozen=True, kw_only=True):
    """What the promise of equal bytes rests on.

    Attributes:
        source_date_epoch: every clamped time, seconds since 1970.
        exceptions: why some artifact is not covered by the promise; empty when all are.
        rebuilds: independent rebuilds made so far, and whether all of them were ``identical``.
    """

    source_date_epoch: Count
    exceptions: tuple[str, ...]
    rebuilds: Count | None = None
    identical: bool | None = None


class BuildRun(Strict, frozen=True, kw_only=True):
    """This one run. ``key`` is the digest over all inputs: equal keys promise equal artifacts."""

    id: BuildId
    key: Sha256
    started_on: Timestamp
    finished_on: Timestamp
    trigger: Trigger
    attempt: Count
    reproducible: Reproducible


class VerifiedSource(Strict, frozen=True, kw_only=True):
    """The commit or tag signature that was checked before building."""

    mode: str
    scheme: Literal["ssh", "openpgp"]
    fingerprint: str
    signer: str


class SourceFacts(Strict, frozen=True, kw_only=True):
    """Where the description came from; credentials and local folders are never part of it.

    Attributes:
        uri: package URL style ``git+<repository>@<ref>``; ``file:<name>`` for a local path.
        ref: full name of the ref, or the ref as asked for when it is a bare commit.
        dirty: the folder differed from the commit when it was built.
    """

    uri: Uri
    repository: Uri
    ref: str | None = None
    digest: GitDigest | None = None
    path: RelativePath
    dirty: bool
    verified: VerifiedSource | None = None


class DescriptionFacts(Strict, frozen=True, kw_only=True):
    """``sha256`` covers all files of the description, ``plan`` the plan made from it."""

    kiwi_file: RelativePath
    sha256: Sha256
    plan: Sha256


class RepositoryFacts(Strict, frozen=True, kw_only=True):
    """A package source as locked; ``metadata`` is the digest of its signed index, ``revision`` its date."""

    id: str
    uri: Uri
    distribution: str
    revision: str
    metadata: Digest
    gpg_keys: tuple[str, ...]


class PackagesFacts(Strict, frozen=True, kw_only=True):
    """How many packages are in the image, and the list of them when it is one of the results."""

    count: Count
    blob: BlobId | None = None
    size: Size | None = None


class InputFacts(Strict, frozen=True, kw_only=True):
    """What went in. ``unsigned_repositories`` names those whose signature check was switched off."""

    repositories: tuple[RepositoryFacts, ...]
    unsigned_repositories: tuple[str, ...]
    lock: BlobRef
    packages: PackagesFacts


class Versions(Strict, frozen=True, kw_only=True):
    runner: str


class Host(Strict, frozen=True, kw_only=True):
    """What kind of machine built, never which one."""

    os: str
    kernel: str
    arch: str


class BuilderFacts(Strict, frozen=True, kw_only=True):
    """Who built, how isolated, with which tools. ``skipped_checks`` lists every check that was switched off."""

    id: Uri
    version: Versions
    isolation: Isolation
    identity: Identity
    network: Literal["off"]
    toolchain: tuple[Tool, ...]
    skipped_checks: tuple[str, ...]
    host: Host | None = None


class Uncompressed(Strict, frozen=True, kw_only=True):
    size: Size
    digest: Digest


class Chunks(Strict, frozen=True, kw_only=True):
    """A table of digests of fixed-size chunks (``size`` bytes each): lets a fetch resume and check as it goes."""

    algorithm: Literal["sha256"]
    size: Size
    blob: BlobId
    count: Count


class Delta(Strict, frozen=True, kw_only=True):
    """A patch that turns the artifact ``source`` (digest of its uncompressed bytes) into this one."""

    source: Digest = msgspec.field(name="from")
    algorithm: Literal["zstd-patch-from"]
    window_log: Count
    blob: BlobId
    size: Size


class Artifact(Strict, frozen=True, kw_only=True):
    """One result file. ``role`` is KIWI's result key; ``uncompressed`` describes the payload of a packed file."""

    name: FileName
    role: str
    media_type: str
    size: Size
    digest: Digest
    uncompressed: Uncompressed | None = None
    chunks: Chunks | None = None
    deltas: tuple[Delta, ...] = ()


class Sbom(Strict, frozen=True, kw_only=True):
    format: Literal["cyclonedx", "spdx"]
    spec_version: str
    blob: BlobId
    size: Size


class Compare(Strict, frozen=True, kw_only=True):
    """Difference to the ``previous`` manifest of the channel; ``size_delta`` in bytes, the list in ``changes``."""

    previous: BlobId
    size_delta: int
    packages_added: Count
    packages_removed: Count
    packages_updated: Count
    changes: BlobRef


class BootStage(Strict, frozen=True, kw_only=True):
    """A stage of a boot, and how long after switching on it was seen to begin."""

    stage: str
    milliseconds: Count


class BootTested(Strict, frozen=True, kw_only=True):
    """One start of the image in a virtual machine. ``script`` is the digest of what was run in it."""

    firmware: Literal["bios", "uefi", "secure"]
    accelerator: Literal["kvm", "tcg"]
    result: Literal["passed"]
    timeline: tuple[BootStage, ...]
    script: Sha256 | None = None


class BootFacts(Strict, frozen=True, kw_only=True):
    """The boot tests that the image had to pass before it was released, and the log of all of them."""

    tests: tuple[BootTested, ...]
    log: BlobRef


class AttestationRef(Strict, frozen=True, kw_only=True):
    predicate_type: Uri
    media_type: str


class Manifest(Strict, frozen=True, kw_only=True):
    """Everything about one build. ``signature`` is ``none`` when it was built without a key."""

    schema: Literal["urn:packhouse:schema:manifest:v1"]
    media_type: Literal["application/vnd.packhouse.manifest.v1+json"]
    image: ImageFacts
    build: BuildRun
    source: SourceFacts
    description: DescriptionFacts
    inputs: InputFacts
    builder: BuilderFacts
    artifacts: tuple[Artifact, ...]
    sbom: tuple[Sbom, ...] = ()
    log: BlobRef | None = None
    boot: BootFacts | None = None
    compare: Compare | None = None
    signature: Literal["dsse", "none"]
    attestations: tuple[AttestationRef, ...] = ()

    @property
    def stem(self) -> str:
        """``<name>.<arch>-<version>``, the first part of every file name."""
        return f"{self.image.name}.{self.image.arch}-{self.image.version}"

    @property
    def logs(self) -> tuple[BlobRef, ...]:
        """All files that tell of this one run, the list of changes among them."""
        boot = self.boot.log if self.boot is not None else None
        changes = self.compare.changes if self.compare is not None else None
        return tuple(log for log in (self.log, boot, changes) if log is not None)


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the one file form of ``manifest``: sorted keys, two spaces, a line feed at the end."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2) + b"\n"


def decode_manifest(data: bytes, *, where: str = "manifest") -> Manifest:
    """Parse and check a manifest.

    Raises:
        VerificationError: it is not JSON, or not exactly what the schema says; ``where`` names the file.
    """
    try:
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise VerificationError(
            "the manifest does not follow its schema",
            where=Location(where),
            why=str(error),
            hint="it is damaged, or was written by a newer packhouse: use that one",
        ) from error


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the manifest."""
    schema = msgspec.json.schema(Manifest)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}
