# SPDX-License-Identifier: Apache-2.0
"""From what the pipeline knows to a manifest: a pure function, nothing is read and nothing written here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from runner.release import manifest as m
from runner.release.origin import public_url, source_uri
from runner.release.provenance import BUNDLE_MEDIA_TYPE, PREDICATE_TYPE
from runner.release.wire import timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.create.image import ResultFile
    from runner.packages.lock import LockedRepository
    from runner.release.files import ReleaseNames
    from runner.release.inputs import ReleaseInputs

LOCK_MEDIA_TYPE = "application/vnd.packhouse.lock.v1+json"
LOG_MEDIA_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What lies beside the results and tells of this one run."""

    log: m.BlobRef | None = None
    boot: m.BootFacts | None = None
    compare: m.Compare | None = None


def describe(
    inputs: ReleaseInputs,
    names: ReleaseNames,
    results: Sequence[ResultFile],
    around: Around,
    *,
    signed: bool,
) -> m.Manifest:
    """Return the manifest of a build with the files ``results``, the lock file among them."""
    attestation = m.AttestationRef(predicate_type=PREDICATE_TYPE, media_type=BUNDLE_MEDIA_TYPE)
    return m.Manifest(
        schema="urn:packhouse:schema:manifest:v1",
        media_type="application/vnd.packhouse.manifest.v1+json",
        image=_image(inputs),
        build=_build(inputs),
        source=_source(inputs),
        description=m.DescriptionFacts(
            kiwi_file=PurePosixPath(inputs.plan.description.kiwi_file).name,
            sha256=inputs.plan.description.digest,
            plan=inputs.plan.digest,
        ),
        inputs=_inputs(inputs, names, results),
        builder=_builder(inputs),
        artifacts=tuple(_artifact(result) for result in sorted(results, key=lambda result: result.name)),
        log=around.log,
        boot=around.boot,
        compare=around.compare,
        signature="dsse" if signed else "none",
        attestations=(attestation,) if signed else (),
    )


def _image(inputs: ReleaseInputs) -> m.ImageFacts:
    plan, made = inputs.plan, msgspec.convert(inputs.image.facts, m.MadeFacts)
    return m.ImageFacts(
        name=plan.image.name,
        version=plan.image.version,
        arch=plan.arch,
        type=plan.type.image,
        profile=plan.profiles,
        format=plan.type.format or None,
        growth=made.growth,
        root_hash=made.root_hash,
    )


def _build(inputs: ReleaseInputs) -> m.BuildRun:
    facts = inputs.facts
    return m.BuildRun(
        id=facts.build_id,
        key=facts.build_key,
        started_on=timestamp(facts.started),
        finished_on=timestamp(facts.finished),
        trigger=facts.trigger,
        attempt=facts.attempt,
        reproducible=m.Reproducible(source_date_epoch=inputs.lock.epoch, exceptions=facts.exceptions),
    )


def _source(inputs: ReleaseInputs) -> m.SourceFacts:
    checkout = inputs.checkout
    repository = public_url(checkout.url)
    ref = checkout.resolved_ref or checkout.ref
    return m.SourceFacts(
        uri=source_uri(repository, ref or checkout.commit, git=checkout.commit is not None),
        repository=repository,
        ref=ref,
        digest=m.GitDigest(git_commit=checkout.commit, git_tree=checkout.tree) if checkout.commit else None,
        path=str(PurePosixPath(checkout.subdir)),
        dirty=checkout.dirty,
    )


def _inputs(inputs: ReleaseInputs, names: ReleaseNames, results: Sequence[ResultFile]) -> m.InputFacts:
    by_name = {result.name: result for result in results}
    lock, packages = by_name[names.lock], by_name.get(names.packages)
    return m.InputFacts(
        repositories=tuple(_repository(repository) for repository in inputs.lock.repositories),
        unsigned_repositories=tuple(
            repository.id for repository in inputs.lock.repositories if not repository.verified
        ),
        lock=m.BlobRef(name=lock.name, blob=f"sha256:{lock.sha256}", size=lock.size, media_type=lock.media_type),
        packages=m.PackagesFacts(
            count=len(inputs.lock.packages),
            blob=f"sha256:{packages.sha256}" if packages else None,
            size=packages.size if packages else None,
        ),
    )


def _repository(repository: LockedRepository) -> m.RepositoryFacts:
    return m.RepositoryFacts(
        id=repository.id,
        uri=public_url(repository.uri),
        distribution=repository.distribution,
        revision=repository.date,
        metadata=m.Digest(sha256=repository.index),
        gpg_keys=repository.keys,
    )


def _builder(inputs: ReleaseInputs) -> m.BuilderFacts:
    facts = inputs.facts
    return m.BuilderFacts(
        id=facts.builder_id,
        version=m.Versions(runner=facts.runner_version),
        isolation=facts.isolation,
        identity=facts.identity,
        network="off",
        toolchain=facts.toolchain,
        skipped_checks=facts.skipped_checks,
        host=facts.host,
    )


def _artifact(result: ResultFile) -> m.Artifact:
    uncompressed = None
    if result.uncompressed_sha256 is not None and result.uncompressed_size is not None:
        uncompressed = m.Uncompressed(
            size=result.uncompressed_size, digest=m.Digest(sha256=result.uncompressed_sha256)
        )
    return m.Artifact(
        name=result.name,
        role=result.role,
        media_type=result.media_type,
        size=result.size,
        digest=m.Digest(sha256=result.sha256),
        uncompressed=uncompressed,
    )
