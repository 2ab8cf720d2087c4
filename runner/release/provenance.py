# SPDX-License-Identifier: Apache-2.0
"""How it was built, as others read it: an in-toto statement v1 with a SLSA provenance v1 predicate.

A statement is made from the manifest alone, so it can claim nothing the manifest does not say. Sources: the
in-toto attestation framework's Statement v1 and ResourceDescriptor v1, and https://slsa.dev/provenance/v1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.errors import VerificationError
from runner.release.wire import Sha256

if TYPE_CHECKING:
    from runner.release.manifest import Manifest

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:packhouse:buildtype:kiwi:v1"
BUNDLE_MEDIA_TYPE = "application/vnd.in-toto.bundle"


class _Camel(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """in-toto asks readers to ignore fields they do not know; only ``externalParameters`` is closed."""


class SubjectDigest(_Camel, frozen=True, kw_only=True):
    sha256: Sha256


class Subject(_Camel, frozen=True, kw_only=True):
    name: str
    digest: SubjectDigest


class Resource(_Camel, frozen=True, kw_only=True):
    """An in-toto ResourceDescriptor."""

    name: str | None = None
    uri: str | None = None
    digest: dict[str, str] | None = None
    media_type: str | None = None
    annotations: dict[str, bool] | None = None


class ExternalParameters(_Camel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the one who asked for the build could choose, and nothing else."""

    repository: str
    ref: str | None = None
    path: str
    profile: tuple[str, ...] = ()
    arch: str
    type: str


class InternalParameters(_Camel, frozen=True, kw_only=True):
    """What the runner's own configuration chose."""

    isolation: str
    identity: str
    network: str
    skipped_checks: tuple[str, ...] = ()
    unsigned_repositories: tuple[str, ...] = ()


class BuildDefinition(_Camel, frozen=True, kw_only=True):
    build_type: str
    external_parameters: ExternalParameters
    internal_parameters: InternalParameters
    resolved_dependencies: tuple[Resource, ...] = ()


class BuilderRef(_Camel, frozen=True, kw_only=True):
    id: str
    version: dict[str, str] = {}


class RunMetadata(_Camel, frozen=True, kw_only=True):
    invocation_id: str
    started_on: str
    finished_on: str


class RunDetails(_Camel, frozen=True, kw_only=True):
    builder: BuilderRef
    metadata: RunMetadata
    byproducts: tuple[Resource, ...] = ()


class Provenance(_Camel, frozen=True, kw_only=True):
    build_definition: BuildDefinition
    run_details: RunDetails


class StatementKind(_Camel, frozen=True, kw_only=True):
    """The two fields that tell how to read the rest of a statement."""

    type: str = msgspec.field(name="_type")
    predicate_type: str


class ProvenanceStatement(StatementKind, frozen=True, kw_only=True):
    subject: tuple[Subject, ...]
    predicate: Provenance


def provenance_for(manifest: Manifest, *, name: str, sha256: str) -> ProvenanceStatement:
    """Return the statement about ``manifest``, whose file ``name`` has the digest ``sha256``."""
    return ProvenanceStatement(
        type=STATEMENT_TYPE,
        predicate_type=PREDICATE_TYPE,
        subject=tuple(
            Subject(name=name, digest=SubjectDigest(sha256=digest))
            for name, digest in subjects_of(manifest, name=name, sha256=sha256).items()
        ),
        predicate=Provenance(build_definition=_definition(manifest), run_details=_run(manifest)),
    )


def subjects_of(manifest: Manifest, *, name: str, sha256: str) -> dict[str, str]:
    """Return what a provenance vouches for: every artifact and the manifest itself, name to SHA-256."""
    return {artifact.name: artifact.digest.sha256 for artifact in manifest.artifacts} | {name: sha256}


def external_parameters(manifest: Manifest) -> ExternalParameters:
    return ExternalParameters(
        repository=manifest.source.repository,
        ref=manifest.source.ref,
        path=manifest.source.path,
        profile=manifest.image.profile,
        arch=manifest.image.arch,
        type=manifest.image.type,
    )


def invocation_id(manifest: Manifest) -> str:
    return f"urn:packhouse:build:{manifest.build.id}"


def encode_statement(statement: ProvenanceStatement) -> bytes:
    return msgspec.json.encode(statement, order="sorted")


def decode_provenance(payload: bytes) -> ProvenanceStatement:
    """Parse a signed provenance statement.

    Raises:
        VerificationError: another kind of statement, a field missing or of the wrong type, another build type,
            or external parameters that are not known.
    """
    try:
        kind = msgspec.json.decode(payload, type=StatementKind)
        if kind.type != STATEMENT_TYPE:
            raise VerificationError(f"unknown statement type {kind.type!r}", why=f"expected {STATEMENT_TYPE}")
        if kind.predicate_type != PREDICATE_TYPE:
            raise VerificationError(f"unknown predicate {kind.predicate_type!r}", why=f"expected {PREDICATE_TYPE}")
        statement = msgspec.json.decode(payload, type=ProvenanceStatement)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise VerificationError("the provenance statement is malformed", why=str(error)) from error
    build_type = statement.predicate.build_definition.build_type
    if build_type != BUILD_TYPE:
        raise VerificationError(f"unknown build type {build_type!r}", why=f"expected {BUILD_TYPE}")
    return statement


def _definition(manifest: Manifest) -> BuildDefinition:
    return BuildDefinition(
        build_type=BUILD_TYPE,
        external_parameters=external_parameters(manifest),
        internal_parameters=InternalParameters(
            isolation=manifest.builder.isolation,
            identity=manifest.builder.identity,
            network=manifest.builder.network,
            skipped_checks=manifest.builder.skipped_checks,
            unsigned_repositories=manifest.inputs.unsigned_repositories,
        ),
        resolved_dependencies=_dependencies(manifest),
    )


def _dependencies(manifest: Manifest) -> tuple[Resource, ...]:
    source, lock = manifest.source, manifest.inputs.lock
    git = Resource(
        uri=source.uri,
        digest={"gitCommit": source.digest.git_commit} if source.digest else None,
        annotations={"dirty": True} if source.dirty else None,
    )
    locked = Resource(
        name=lock.name, digest={"sha256": lock.blob.removeprefix("sha256:")}, media_type=lock.media_type
    )
    indexes = (
        Resource(name=repository.id, uri=repository.uri, digest={"sha256": repository.metadata.sha256})
        for repository in manifest.inputs.repositories
    )
    return (git, locked, *indexes)


def _run(manifest: Manifest) -> RunDetails:
    return RunDetails(
        builder=BuilderRef(id=manifest.builder.id, version={"runner": manifest.builder.version.runner}),
        metadata=RunMetadata(
            invocation_id=invocation_id(manifest),
            started_on=manifest.build.started_on,
            finished_on=manifest.build.finished_on,
        ),
        byproducts=tuple(
            Resource(name=log.name, digest={"sha256": log.blob.removeprefix("sha256:")}, media_type=log.media_type)
            for log in manifest.logs
        ),
    )
